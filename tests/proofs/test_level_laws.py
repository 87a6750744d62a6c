"""What is planned for a machine with a memory for tensors between those off chip and the tiles' is proven."""

import hypothesis.strategies as st
from hypothesis import given, settings
from strategies import ANY_BITS, leveled_machines
from test_places_laws import BATCHES, OBJECTIVES, both_are_proven, is_proven, networks, planned

SOME = settings(max_examples=settings.default.max_examples // 4)
FEW = settings(max_examples=settings.default.max_examples // 5)
"""Each of them takes seconds, as levels are planned several times."""


@SOME
@given(networks(), leveled_machines(), BATCHES, OBJECTIVES)
def test_tensors_are_read_where_they_lie(network, hardware, batch, objective):
    assert is_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@FEW
@given(
    networks(),
    st.one_of(leveled_machines(keeps=keeps) for keeps in (("activations", "weights"), ("weights",))),
    BATCHES,
    OBJECTIVES,
)
def test_weights_that_stay_come_in_the_first_inference(network, hardware, batch, objective):
    assert both_are_proven(planned(network, hardware, batch=batch, dataflow="auto", objective=objective))


@FEW
@given(networks(), leveled_machines(ANY_BITS), st.sampled_from([None, "time"]))
def test_so_they_are_where_elements_are_no_whole_bytes(network, hardware, objective):
    assert is_proven(planned(network, hardware, batch=1, dataflow="auto", objective=objective))
