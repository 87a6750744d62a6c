"""Schedules, executed on integers: are they what the layers say, and do they move what they say they move?"""
