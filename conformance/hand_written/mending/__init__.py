"""From a wrong gradient to a verified patch: located by the values that flow through the code, mended, and proved."""
