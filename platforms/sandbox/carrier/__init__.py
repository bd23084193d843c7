"""A text-message carrier and a mailbox, and the guests who read and answer."""
