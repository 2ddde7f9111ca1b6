import MiniAsync
import VDM

/// A row of operation futures, each of which can be polled, cancelled and dropped by itself.
///
/// No array can hold them, because they are non-copyable.
final class FutureRow<Mover: DataMover> {
  typealias F = OperationFuture<Mover>

  private let places: UnsafeMutablePointer<F?>
  private let dropAll: () -> Void
  let count: Int

  init(count: Int) {
    self.count = count
    places = .allocate(capacity: count)
    for index in 0..<count { (places + index).initialize(to: nil) }
    // Formed here, where the type is known: in a deinit, which is never specialised, Swift 6.3.1
    // with -O drops the futures without running their own deinit (see ThreadMoverLeakTests).
    dropAll = { [places] in
      for index in 0..<count { places[index] = nil }
    }
  }

  deinit {
    dropAll()
    places.deallocate()
  }

  /// Puts a future into a place; what was there is dropped.
  func put(_ future: consuming F, at index: Int) { places[index] = consume future }

  /// Drops the future of a place.
  func drop(_ index: Int) { places[index] = nil }

  /// Takes the future out of a place, which must hold one.
  func take(_ index: Int) -> F {
    guard let future = places[index].take() else { preconditionFailure("no future there") }
    return future
  }

  /// Whether a place holds a future.
  func holds(_ index: Int) -> Bool { places[index] != nil }

  /// Does something with the future of a place, which must hold one.
  func with<Result>(_ index: Int, _ body: (inout F) -> Result) -> Result {
    guard var future = places[index].take() else { preconditionFailure("no future there") }
    let result = body(&future)
    places[index] = consume future
    return result
  }

  @discardableResult
  func poll(_ index: Int) -> FutureState { with(index) { $0.poll() } }

  func state(_ index: Int) -> FutureState { with(index) { $0.state } }

  func cancel(_ index: Int) { with(index) { $0.cancel() } }

  func output(_ index: Int) -> OperationOutput? { with(index) { $0.output } }
}

/// Runs a synchronous wait from anywhere, also from tests that are otherwise asynchronous.
@available(*, noasync)
@discardableResult
func waitFor<F: Future & ~Copyable>(_ future: inout F) -> F.Output {
  Runtime().wait(&future)
}

extension FutureRow {
  /// Waits for all futures of the row at once, and takes them out of it.
  ///
  /// - Returns: Their outputs, by place; `nil` for an empty place.
  @available(*, noasync)
  @discardableResult
  func waitForAll(_ runtime: Runtime = Runtime()) -> [OperationOutput?] {
    let places = (0..<count).filter { holds($0) }
    let buffer = UnsafeMutableBufferPointer<F>.allocate(capacity: places.count)
    defer {
      buffer.deinitialize()
      buffer.deallocate()
    }
    for (position, index) in places.enumerated() {
      buffer.initializeElement(at: position, to: take(index))
    }
    runtime.waitMultiple(unsafe: buffer)
    var outputs = [OperationOutput?](repeating: nil, count: count)
    for (position, index) in places.enumerated() { outputs[index] = buffer[position].output }
    return outputs
  }
}

/// A place for a value that one thread writes and another reads after a join.
final class Box<Value>: @unchecked Sendable {
  // @unchecked: the join orders the accesses.
  var value: Value

  init(_ value: Value) { self.value = value }
}
