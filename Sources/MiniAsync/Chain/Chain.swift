/// A future made of entries that run in order.
///
/// Each entry is a future of its own. When one completes, a map takes its output into the data of
/// the next, or into the chain's output. Beside the entries a chain has extra state of its own,
/// which all maps may read and change.
///
/// ```swift
/// var chain = Chain(output: 0, first: mover.memcpy(to: copy, from: text, byteCount: 14))
///   .then(AsyncPrint()) { chain, copied, print in print.text = copied.destination }
///   .mapOutput { chain, printed in chain.output = printed }
/// runtime.wait(&chain)
/// ```
///
/// An entry is *eager*: made with the chain (``then(_:map:)``), or *lazy*: made when its turn
/// comes, from what is known then (``thenLazily(_:)``). A chain can be an entry of a chain. A map
/// ends the whole chain early with ``ChainContext/finish()``, and leaves out an entry by giving
/// it nothing to do: see ``Skippable``.
///
/// A poll goes on from entry to entry as long as they complete. Chains are values: no allocation,
/// and every call but those of the maps is statically dispatched.
///
/// Corresponds to C's `FUTURE_CHAIN_INIT` and the `FUTURE_CHAIN_ENTRY` family.
public struct Chain<Entries: ChainEntries & ~Copyable>: Future, ~Copyable {
  /// What the maps see.
  public typealias Context = ChainContext<Entries.Extra, Entries.ChainOutput>
  /// The chain's output.
  public typealias Output = Entries.ChainOutput

  @usableFromInline var entries: Entries
  @usableFromInline var context: Context
  /// Where the future stands.
  public var progress: FutureProgress<Output>

  @inlinable
  @inline(__always)
  init(entries: consuming Entries, context: Context) {
    self.entries = entries
    self.context = context
    progress = .idle
  }

  /// Begins a chain with an eager entry.
  ///
  /// - Parameters:
  ///   - output: The chain's output as it stands before any map has written to it.
  ///   - extra: State of the chain beside its entries.
  ///   - first: The first entry.
  @inlinable
  @inline(__always)
  public init<F: Future & ~Copyable, Extra, ChainOutput>(
    output: ChainOutput, extra: Extra, first: consuming F
  ) where Entries == ChainHead<F, Extra, ChainOutput> {
    self.init(
      entries: ChainHead(future: first), context: ChainContext(extra: extra, output: output))
  }

  /// Begins a chain with an eager entry, without extra state.
  ///
  /// - Parameters:
  ///   - output: The chain's output as it stands before any map has written to it.
  ///   - first: The first entry.
  @inlinable
  @inline(__always)
  public init<F: Future & ~Copyable, ChainOutput>(
    output: ChainOutput, first: consuming F
  ) where Entries == ChainHead<F, Void, ChainOutput> {
    self.init(output: output, extra: (), first: first)
  }

  /// Adds an eager entry: `next` exists from now on, and waits for its turn.
  ///
  /// - Parameters:
  ///   - next: The entry.
  ///   - map: Called once, when the entry before has completed: takes that one's output into the
  ///     data of `next`, which then starts.
  /// - Returns: The longer chain.
  ///
  /// Corresponds to C's `FUTURE_CHAIN_ENTRY_INIT`.
  @inlinable
  @inline(__always)
  public consuming func then<Next: Future & ~Copyable>(
    _ next: consuming Next,
    map: @escaping (inout Context, Entries.LastOutput, inout Next) -> Void
  ) -> Chain<ChainEager<Entries, Next>> {
    Chain<ChainEager<Entries, Next>>(
      entries: ChainEager(previous: entries, future: next, map: map), context: context)
  }

  /// Adds a lazy entry: made when its turn comes.
  ///
  /// - Parameter make: Called once, when the entry before has completed: makes the entry from
  ///   that one's output and from what the chain knows.
  /// - Returns: The longer chain.
  ///
  /// Corresponds to C's `FUTURE_CHAIN_ENTRY_LAZY_INIT`.
  @inlinable
  @inline(__always)
  public consuming func thenLazily<Next: Future & ~Copyable>(
    _ make: @escaping (inout Context, Entries.LastOutput) -> Next
  ) -> Chain<ChainLazy<Entries, Next>> {
    Chain<ChainLazy<Entries, Next>>(
      entries: ChainLazy(previous: entries, make: make), context: context)
  }

  /// Takes the output of the entry before into the chain's output or extra state.
  ///
  /// - Parameter map: Called once, when the entry before has completed.
  /// - Returns: The chain with the map.
  @inlinable
  @inline(__always)
  public consuming func mapOutput(
    _ map: @escaping (inout Context, Entries.LastOutput) -> Void
  ) -> Chain<ChainMap<Entries>> {
    Chain<ChainMap<Entries>>(entries: ChainMap(previous: entries, map: map), context: context)
  }

  /// State of the chain beside its entries.
  @inlinable
  public var extra: Entries.Extra { context.extra }

  /// The number of entries.
  public var entryCount: Int { Entries.count }

  /// Whether an entry exists: an eager one always, a lazy one once its turn has come.
  ///
  /// - Parameter index: Which entry, from 0.
  /// - Returns: Whether it exists.
  ///
  /// Corresponds to C's `FUTURE_CHAIN_ENTRY_IS_INITIALIZED`.
  public func isInitialized(_ index: Int) -> Bool {
    precondition(Entries.isEntry(index), "Chain.isInitialized: no entry \(index)")
    return entries.isInitialized(index)
  }

  /// Whether an entry has completed and its output was mapped.
  ///
  /// - Parameter index: Which entry, from 0.
  /// - Returns: Whether it is processed.
  ///
  /// Corresponds to C's `FUTURE_CHAIN_ENTRY_IS_PROCESSED`.
  public func isProcessed(_ index: Int) -> Bool {
    precondition(Entries.isEntry(index), "Chain.isProcessed: no entry \(index)")
    // Maps run in the same poll as the completion before them, so an entry that is complete after
    // a poll was mapped; one that was made complete is, too, once the chain has been polled.
    return state != .idle && entries.isProcessed(index)
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  @inline(__always)
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    if entries.run(&context, &notifier) || context.isFinished { return .complete(context.output) }
    return .running
  }

  /// Whether the entry whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && entries.hasProperty(property)
  }

  /// Asks the entry whose turn it is to finish early; the maps see what it makes of that.
  @inlinable
  public mutating func cancel() {
    if !progress.isComplete { entries.cancel() }
  }
}

extension Chain: Copyable where Entries: Copyable {}

/// What the maps of a ``Chain`` see: its extra state and its output.
public struct ChainContext<Extra, Output> {
  /// State beside the entries.
  public var extra: Extra
  /// What the chain will have put out when it is complete.
  public var output: Output
  @usableFromInline var isFinished = false

  @inlinable
  @inline(__always)
  init(extra: Extra, output: Output) {
    self.extra = extra
    self.output = output
  }

  /// Completes the chain when this map returns, with ``output`` as it stands.
  ///
  /// Entries that have not run do not run; a lazy one that this map returns is dropped.
  @inlinable
  public mutating func finish() { isFinished = true }
}
