"""Redesign a network, or the machine that runs it, by simulating many of them."""
