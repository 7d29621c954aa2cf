"""Learning from doubt: what sorting mode was not sure of, named by a person, joins the dataset."""
