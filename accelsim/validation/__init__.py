"""How far accelsim agrees with what has been published, and what that agreement rests on.

`reproduction` compares simulated figures with a published table, `pinned` with those of the last deliberate
change, `sensitivity` varies what the machine files assume, `generality` asks whether assumptions chosen on
one machine hold on another. Nothing here knows how figures are printed.
"""
