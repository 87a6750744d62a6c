"""Every mapping that the search compares computes its layer and moves what it says it moves."""

from hypothesis import given, settings
from strategies import ANY_BITS, cases, cut_cases, machines, packed_cases, unusual_layers

from accelsim.verification.layers import verify_mapping


@given(case=cases())
def test_any_mapping_of_any_layer_executes_to_the_layers_own_outputs(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(case=packed_cases())
def test_so_it_does_where_elements_are_no_whole_bytes_and_weights_are_pruned(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@settings(max_examples=max(120, settings.default.max_examples))
@given(case=cut_cases())
def test_so_it_does_with_several_images_in_a_tile_and_kernels_that_are_cut(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@settings(max_examples=max(120, settings.default.max_examples))
@given(case=cut_cases(unusual_layers(), most_steps=600))
def test_so_it_does_with_those_whatever_is_fused_and_pooled_behind_it(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)


@given(case=cases(unusual_layers(), machines(bits=ANY_BITS), most_steps=600))
def test_so_it_does_whatever_is_fused_and_pooled_behind_it(case):
    verify_mapping(case.layer, case.mapping, case.hardware, batch=case.batch)
