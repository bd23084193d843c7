"""Whether a message is lost or seen twice when everything dies at random (`make storm`)."""
