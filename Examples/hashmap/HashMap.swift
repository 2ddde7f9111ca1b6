import Synchronization

/// A hash map of fixed capacity whose places are claimed and released by one word each.
///
/// Keys are 1 to 2^62 - 1; values are bytes. Nothing here blocks: an operation that meets a place
/// which another one holds says so, and is tried again. The operations themselves, which copy
/// values with a data mover in between, are the futures in `HashMap+Operations.swift`.
///
/// A key is in one place at most: who claims a place for a new key looks for another claim of the
/// same key afterwards, and gives way to it. If two give way to each other, both try again.
final class HashMap: @unchecked Sendable {
  // @unchecked: a place's value is touched only by the operation that holds the place.

  /// The state of a place and the key it is for, in one word.
  enum State: UInt64 {
    /// Never used: a search ends here.
    case empty
    /// Used once: a search goes on, a new key may have it.
    case removed
    /// An operation holds it.
    case held
    /// It has a value.
    case present
  }

  struct Place: ~Copyable {
    let word = Atomic<UInt64>(0)
    var value = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  /// A place that an operation holds.
  struct Held {
    let index: Int
    let key: UInt64
  }

  enum Failure: Error {
    case invalidKey, capacityExceeded, duplicateKey, notFound, notCopied
  }

  /// What a try to hold a place has come to.
  enum Attempt {
    case held(Held)
    case failed(Failure)
    /// Another operation is in the way: try again.
    case busy
  }

  let capacity: Int
  private let places: UnsafeMutablePointer<Place>

  init(capacity: Int) {
    precondition(capacity > 0, "HashMap: the capacity must be positive")
    self.capacity = capacity
    places = .allocate(capacity: capacity)
    for index in 0..<capacity { (places + index).initialize(to: Place()) }
  }

  deinit {
    for index in 0..<capacity { places[index].value.deallocate() }
    places.deinitialize(count: capacity)
    places.deallocate()
  }

  /// The value of a place that the caller holds.
  func value(of held: Held) -> UnsafeMutableRawBufferPointer { places[held.index].value }

  func setValue(_ value: UnsafeMutableRawBufferPointer, of held: Held) {
    places[held.index].value = value
  }

  // MARK: Holding and releasing

  /// Holds the place of a key that is in the map.
  func hold(_ key: UInt64) -> Attempt {
    guard Self.isValid(key) else { return .failed(.invalidKey) }
    for index in search(key) {
      let (state, found) = read(index)
      if state == .empty { break }
      guard found == key, state != .removed else { continue }
      guard state == .present, change(index, from: (.present, key), to: (.held, key)) else {
        return .busy
      }
      return .held(Held(index: index, key: key))
    }
    return .failed(.notFound)
  }

  /// Holds a place for a key that is not in the map.
  func claim(_ key: UInt64) -> Attempt {
    guard Self.isValid(key) else { return .failed(.invalidKey) }
    var free: (index: Int, state: State, key: UInt64)?
    for index in search(key) {
      let (state, found) = read(index)
      switch state {
      case .present where found == key: return .failed(.duplicateKey)
      case .held where found == key: return .busy
      case .empty, .removed: if free == nil { free = (index, state, found) }
      case .present, .held: break
      }
      if state == .empty { break }
    }
    guard let free else { return .failed(.capacityExceeded) }
    guard change(free.index, from: (free.state, free.key), to: (.held, key)) else { return .busy }
    return confirm(Held(index: free.index, key: key), was: free.state)
  }

  /// Looks whether another operation has claimed a place for the same key meanwhile.
  private func confirm(_ held: Held, was state: State) -> Attempt {
    for index in search(held.key) where index != held.index {
      let (other, found) = read(index)
      guard found == held.key, other == .present || other == .held else { continue }
      // Give way: the other sees this claim no more when it looks.
      _ = release(held, as: .removed)
      return other == .present ? .failed(.duplicateKey) : .busy
    }
    return .held(held)
  }

  /// Ends a hold: the place has a value then, or is free.
  @discardableResult
  func release(_ held: Held, as state: State) -> Bool {
    if state == .removed {
      places[held.index].value.deallocate()
      places[held.index].value = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    return change(held.index, from: (.held, held.key), to: (state, held.key))
  }

  // MARK: Words

  private static func isValid(_ key: UInt64) -> Bool { key > 0 && key < 1 << 62 }

  private func read(_ index: Int) -> (State, UInt64) {
    let word = places[index].word.load(ordering: .sequentiallyConsistent)
    return (State(rawValue: word & 3) ?? .empty, word >> 2)
  }

  private func change(_ index: Int, from: (State, UInt64), to: (State, UInt64)) -> Bool {
    places[index].word.compareExchange(
      expected: from.1 << 2 | from.0.rawValue, desired: to.1 << 2 | to.0.rawValue,
      ordering: .sequentiallyConsistent
    ).exchanged
  }

  /// All places, from the key's own on.
  private func search(_ key: UInt64) -> some Sequence<Int> {
    // Fibonacci hashing: the high bits of the product are well mixed.
    let home = Int((key &* 0x9E37_79B9_7F4A_7C15) >> 33) % capacity
    return (0..<capacity).lazy.map { [capacity] in (home + $0) % capacity }
  }
}
