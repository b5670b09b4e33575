"""Where does a rule fall short? Random levels beside A2C, and searches for levels on which a rule fails."""
