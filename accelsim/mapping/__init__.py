"""Where network and machine meet: which PE does which multiply-accumulate, in which pass."""
