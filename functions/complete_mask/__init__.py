"""complete_mask: the end of a mask that was asked for asynchronously."""
