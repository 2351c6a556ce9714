"""A check as people and programs read it: on the terminal, as HTML, Markdown, SARIF, and as remarks on files."""
