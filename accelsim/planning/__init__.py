"""From layers to what is simulated: mappings chosen with the simulation as judge, in one schedule."""
