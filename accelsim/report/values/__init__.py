"""Figures that are made of a result's: by stage, and over all layers."""
