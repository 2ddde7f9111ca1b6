/// Stops the program because it was used wrongly, and says what to do instead.
///
/// Like `preconditionFailure`, but with the message in release builds too, where that one is silent.
@usableFromInline
@inline(never)
func misuse(_ message: String) -> Never { fatalError(message) }

/// Stops the program with a message unless `condition` holds, in every build.
@inlinable
@inline(__always)
func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { misuse(message()) }
}
