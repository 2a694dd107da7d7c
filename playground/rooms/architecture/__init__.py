"""Architecture: any model's modules, parameters, memory and data flow, counted without its weights."""
