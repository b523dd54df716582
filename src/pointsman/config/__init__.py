"""The EndpointPickerConfig document: typed, strict, all errors at once, each with its path."""
