"""What is planned for a machine with a memory for tensors between those off chip and the tiles' is proven."""

import hypothesis.strategies as st
from hypothesis import given, settings
from strategies import ANY_BITS, leveled_machines
from test_places_laws import BATCHES, OBJECTIVES, SOME, is_proven, networks, planned


@SOME
@given(networks(), leveled_machines(), BATCHES, OBJECTIVES)
def test_tensors_are_read_where_they_lie(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@settings(SOME, max_examples=30)
@given(networks(), leveled_machines(ANY_BITS), st.sampled_from([None, "time"]))
def test_so_they_are_where_elements_are_no_whole_bytes(network, hardware, objective):
    assert is_proven(planned(network, hardware, batch=1, dataflow="auto", objective=objective))
