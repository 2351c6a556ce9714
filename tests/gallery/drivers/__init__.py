"""How each subject of the gallery is called, in plain code."""
