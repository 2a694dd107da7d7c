"""What several rooms show and talk with: controls and their store, runs, HTML, figures, the language.

Turns results into HTML or figures and knows nothing of how they are computed; no torch. A room is made in
four steps; `controls` and `runs` say more:

1. Each control through ``control("room.name", gr.Slider(...))``: from then on it is remembered through a
   reload and a change of language, stands in links (`#room/view?name=…`), and comes back by Back.
2. Each view through ``view("room", "map", tab)``: it then has an address.
3. Each place where an answer stands through ``place("room-map")``.
4. Each thing that can be asked as an ``Action``: a generator function of checked values that yields lines
   for places, the controls that it needs, and what asks for it. No Gradio listener, no script.
"""
