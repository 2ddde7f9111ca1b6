/// The entries of a ``Chain``, the last one outermost.
///
/// You do not conform to this: the chain's own methods build the types that do.
public protocol ChainEntries: ~Copyable {
  /// The chain's state beside its entries.
  associatedtype Extra
  /// The chain's output.
  associatedtype ChainOutput
  /// The output of the last entry.
  associatedtype LastOutput

  /// The number of entries.
  static var count: Int { get }
  /// The output of the last entry, once all are processed.
  var lastOutput: LastOutput? { get }

  /// Goes on from the entry whose turn it is, as far as possible.
  ///
  /// - Parameters:
  ///   - context: What the maps see.
  ///   - notifier: For the entry whose turn it is.
  /// - Returns: Whether all entries are complete. When a map has finished the chain, `false`.
  mutating func run(
    _ context: inout ChainContext<Extra, ChainOutput>, _ notifier: inout Notifier
  ) -> Bool

  /// Whether entry `index` exists.
  borrowing func isInitialized(_ index: Int) -> Bool
  /// Whether entry `index` has completed and was mapped.
  borrowing func isProcessed(_ index: Int) -> Bool
  /// Whether the entry whose turn it is has `property`.
  borrowing func hasProperty(_ property: FutureProperty) -> Bool
  /// Asks the entry whose turn it is to finish early.
  mutating func cancel()
}

extension ChainEntries where Self: ~Copyable {
  static func isEntry(_ index: Int) -> Bool { index >= 0 && index < count }
}

/// The first entry of a chain.
public struct ChainHead<F: Future & ~Copyable, Extra, ChainOutput>: ChainEntries, ~Copyable {
  @usableFromInline var future: F

  @inlinable
  @inline(__always)
  init(future: consuming F) { self.future = future }

  /// The number of entries.
  public static var count: Int { 1 }
  /// The output of the last entry, once it is complete.
  @inlinable @inline(__always) public var lastOutput: F.Output? { future.output }

  /// Goes on from the entry whose turn it is; see ``ChainEntries/run(_:_:)``.
  @inlinable
  @inline(__always)
  public mutating func run(
    _ context: inout ChainContext<Extra, ChainOutput>, _ notifier: inout Notifier
  ) -> Bool {
    future.poll(&notifier) == .complete
  }

  /// Whether entry `index` exists.
  public borrowing func isInitialized(_ index: Int) -> Bool { true }
  /// Whether entry `index` has completed and was mapped.
  public borrowing func isProcessed(_ index: Int) -> Bool { future.progress.isComplete }
  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    future.hasProperty(property)
  }
  /// Passes the request on to what is not complete yet.
  @inlinable public mutating func cancel() { future.cancel() }
}

/// Entries followed by an eager one.
public struct ChainEager<
  Previous: ChainEntries & ~Copyable, F: Future & ~Copyable
>: ChainEntries, ~Copyable {
  /// As in the entries before.
  public typealias Extra = Previous.Extra
  /// As in the entries before.
  public typealias ChainOutput = Previous.ChainOutput
  @usableFromInline typealias Context = ChainContext<Extra, ChainOutput>

  @usableFromInline var previous: Previous
  @usableFromInline var future: F
  @usableFromInline let map: (inout Context, Previous.LastOutput, inout F) -> Void
  /// Whether the entries before are complete and the map has run.
  @usableFromInline var hasTurn = false

  @inlinable
  @inline(__always)
  init(
    previous: consuming Previous, future: consuming F,
    map: @escaping (inout Context, Previous.LastOutput, inout F) -> Void
  ) {
    self.previous = previous
    self.future = future
    self.map = map
  }

  /// The number of entries.
  public static var count: Int { Previous.count + 1 }
  /// The output of the last entry, once it is complete.
  @inlinable @inline(__always) public var lastOutput: F.Output? { future.output }

  /// Goes on from the entry whose turn it is; see ``ChainEntries/run(_:_:)``.
  @inlinable
  @inline(__always)
  public mutating func run(
    _ context: inout ChainContext<Extra, ChainOutput>, _ notifier: inout Notifier
  ) -> Bool {
    if !hasTurn {
      guard previous.run(&context, &notifier), let output = previous.lastOutput else {
        return false
      }
      map(&context, output, &future)
      if context.isFinished { return false }
      hasTurn = true
    }
    return future.poll(&notifier) == .complete
  }

  /// Whether entry `index` exists.
  public borrowing func isInitialized(_ index: Int) -> Bool {
    index == Self.count - 1 || previous.isInitialized(index)
  }
  /// Whether entry `index` has completed and was mapped.
  public borrowing func isProcessed(_ index: Int) -> Bool {
    // An eager entry may have been complete long before its turn.
    index == Self.count - 1
      ? hasTurn && future.progress.isComplete : hasTurn || previous.isProcessed(index)
  }
  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    hasTurn ? future.hasProperty(property) : previous.hasProperty(property)
  }
  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {
    if hasTurn { future.cancel() } else { previous.cancel() }
  }
}

/// Entries followed by a lazy one.
public struct ChainLazy<
  Previous: ChainEntries & ~Copyable, F: Future & ~Copyable
>: ChainEntries, ~Copyable {
  /// As in the entries before.
  public typealias Extra = Previous.Extra
  /// As in the entries before.
  public typealias ChainOutput = Previous.ChainOutput
  @usableFromInline typealias Context = ChainContext<Extra, ChainOutput>

  @usableFromInline var previous: Previous
  @usableFromInline var future: F?
  @usableFromInline let make: (inout Context, Previous.LastOutput) -> F

  @inlinable
  @inline(__always)
  init(
    previous: consuming Previous,
    make: @escaping (inout Context, Previous.LastOutput) -> F
  ) {
    self.previous = previous
    self.make = make
    future = nil
  }

  /// The number of entries.
  public static var count: Int { Previous.count + 1 }
  /// The output of the last entry, once it is complete.
  @inlinable @inline(__always) public var lastOutput: F.Output? {
    switch future {
    case .some(let future): future.output
    case .none: nil
    }
  }

  /// Goes on from the entry whose turn it is; see ``ChainEntries/run(_:_:)``.
  @inlinable
  @inline(__always)
  public mutating func run(
    _ context: inout ChainContext<Extra, ChainOutput>, _ notifier: inout Notifier
  ) -> Bool {
    if future == nil {
      guard previous.run(&context, &notifier), let output = previous.lastOutput else {
        return false
      }
      let made = make(&context, output)
      if context.isFinished { return false }
      future = .some(made)
    }
    return future?.poll(&notifier) == .complete
  }

  /// Whether entry `index` exists.
  public borrowing func isInitialized(_ index: Int) -> Bool {
    index == Self.count - 1 ? future != nil : previous.isInitialized(index)
  }
  /// Whether entry `index` has completed and was mapped.
  public borrowing func isProcessed(_ index: Int) -> Bool {
    switch future {
    case .some(let future): index < Self.count - 1 || future.progress.isComplete
    case .none: index < Self.count - 1 && previous.isProcessed(index)
    }
  }
  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    switch future {
    case .some(let future): future.hasProperty(property)
    case .none: previous.hasProperty(property)
    }
  }
  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {
    if future != nil { future?.cancel() } else { previous.cancel() }
  }
}

/// Entries, the output of the last of which is mapped into the chain's.
public struct ChainMap<Previous: ChainEntries & ~Copyable>: ChainEntries, ~Copyable {
  /// As in the entries before.
  public typealias Extra = Previous.Extra
  /// As in the entries before.
  public typealias ChainOutput = Previous.ChainOutput
  @usableFromInline typealias Context = ChainContext<Extra, ChainOutput>

  @usableFromInline var previous: Previous
  @usableFromInline let map: (inout Context, Previous.LastOutput) -> Void
  @usableFromInline var isMapped = false

  @inlinable
  @inline(__always)
  init(
    previous: consuming Previous, map: @escaping (inout Context, Previous.LastOutput) -> Void
  ) {
    self.previous = previous
    self.map = map
  }

  /// The number of entries.
  public static var count: Int { Previous.count }
  /// The output of the last entry, once it is complete.
  @inlinable @inline(__always) public var lastOutput: Previous.LastOutput? { previous.lastOutput }

  /// Goes on from the entry whose turn it is; see ``ChainEntries/run(_:_:)``.
  @inlinable
  @inline(__always)
  public mutating func run(
    _ context: inout ChainContext<Extra, ChainOutput>, _ notifier: inout Notifier
  ) -> Bool {
    if isMapped { return true }
    guard previous.run(&context, &notifier), let output = previous.lastOutput else { return false }
    isMapped = true
    map(&context, output)
    return !context.isFinished
  }

  /// Whether entry `index` exists.
  public borrowing func isInitialized(_ index: Int) -> Bool { previous.isInitialized(index) }
  /// Whether entry `index` has completed and was mapped, by one map at least.
  public borrowing func isProcessed(_ index: Int) -> Bool { previous.isProcessed(index) }
  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    previous.hasProperty(property)
  }
  /// Passes the request on to what is not complete yet.
  @inlinable public mutating func cancel() { previous.cancel() }
}

extension ChainHead: Copyable where F: Copyable {}
extension ChainEager: Copyable where Previous: Copyable, F: Copyable {}
extension ChainLazy: Copyable where Previous: Copyable, F: Copyable {}
extension ChainMap: Copyable where Previous: Copyable {}
