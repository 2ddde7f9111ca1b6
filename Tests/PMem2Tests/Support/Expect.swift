import Testing

/// `#expect` for what belongs to a non-copyable value, which the macro cannot take apart.
func expect(_ condition: Bool, at location: SourceLocation = #_sourceLocation) {
  #expect(condition, sourceLocation: location)
}
