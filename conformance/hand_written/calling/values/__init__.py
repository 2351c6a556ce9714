"""What arrays turn out to be: compared by value, in every layout, whatever they are called."""
