"""Songs: playlists as sentences, Word2Vec as recommender, and how good it is."""
