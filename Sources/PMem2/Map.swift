import Glibc
import MiniAsync
import Synchronization
import VDM

/// Memory that outlives the process: a source in the address space, and how to make stores durable.
///
/// ```swift
/// let source = try Source(path: "/mnt/pmem/data")
/// let map = try Map(source, Config(granularity: .page))
/// try map.memcpy(to: map.address, from: bytes, byteCount: n)       // Durable when it returns.
///
/// var copy = map.memcpyAsync(to: map.address, from: bytes, byteCount: n)
/// try runtime.wait(&copy).get()                                    // Durable when complete.
/// ```
///
/// It is unmapped exactly once: by ``unmap()``, or when the last reference to it goes. Each future
/// holds one, so no copy under way loses its memory; one that was dropped while it ran is waited
/// for.
///
/// Any thread may use a map, several at a time, except that none may be inside ``memcpy(to:from:byteCount:flags:)``
/// or another call that is not asynchronous while it is unmapped. They share its bytes as they
/// share any memory.
///
/// Corresponds to C's `struct pmem2_map`.
@safe
public final class Map {
  /// The first byte.
  ///
  /// Corresponds to C's `pmem2_map_get_address`.
  public let address: UnsafeMutableRawPointer
  /// How many bytes.
  ///
  /// Corresponds to C's `pmem2_map_get_size`.
  public let byteCount: Int
  /// What has to be done to make stores durable; no coarser than what was required.
  ///
  /// Corresponds to C's `pmem2_map_get_store_granularity`.
  public let granularity: Granularity
  /// What may be done with the memory.
  public let protection: Protection

  let mover: MapMover
  let durability: Durability
  let kind: Source.Kind
  let system: System
  /// Whether to unmap it; not if it was there before.
  private let ownsMemory: Bool
  /// How many bytes may be written: all or none.
  let writableByteCount: Int
  /// How many bytes may be read, which flushing does: all or none.
  let readableByteCount: Int

  // INVARIANT: the number of futures that were made and are not complete, dropped ones that run
  // among them; from `Self.unmapped` up if it was unmapped, which is negative.
  private let inFlight = Atomic<Int>(0)
  private static let unmapped = Int.min / 2
  let orphans = Orphans()

  /// Maps a source.
  ///
  /// - Parameters:
  ///   - source: What to map. It is not needed afterwards.
  ///   - config: What the map must be like.
  /// - Throws: The rule of ``PMem2Error`` that is broken. Nothing is mapped then.
  /// - Complexity: A few system calls; O(log n) in the number of maps.
  ///
  /// Corresponds to C's `pmem2_map_new`.
  public convenience init(_ source: borrowing Source, _ config: Config) throws(PMem2Error) {
    let alignment = try source.alignment
    let range = try MapRange(
      config, sourceByteCount: try source.byteCount, alignment: alignment,
      hasPlaces: source.descriptor != nil)
    if config.sharing == .private, case .device = source.kind { throw .privateDevice }
    let system = source.system
    let placement = try Placement(range, of: source, alignment: alignment, config)
    let available = Granularity.available(
      isVolatile: source.descriptor == nil || config.sharing == .private,
      forced: system.forcedGranularity().flatMap(Granularity.init(forcedBy:)),
      isSynchronous: placement.isSynchronous, cachesPersist: { system.cachesPersist() })
    do throws(PMem2Error) {
      guard available <= config.granularity else {
        throw .granularityNotSupported(required: config.granularity, available: available)
      }
      unsafe try self.init(
        placement.address, range.byteCount, available, source, config.protection, config.mover,
        ownsMemory: true)
    } catch {
      _ = unsafe system.unmap(
        placement.address, range.byteCount.roundedUp(to: system.pageSize))
      throw error
    }
  }

  init(
    _ address: UnsafeMutableRawPointer, _ byteCount: Int, _ granularity: Granularity,
    _ source: borrowing Source, _ protection: Protection, _ mover: (any DataMover)?,
    ownsMemory: Bool
  ) throws(PMem2Error) {
    let mover = MapMover(mover)
    let durability = Durability(granularity, moverHas: mover.capabilities)
    guard granularity != .cacheLine || source.system.memory.supportedFlags.contains(.durable) else {
      throw .notSupported(.cacheLineFlush)
    }
    let start = UInt(bitPattern: address)
    try MapRegistry.add(start..<start + UInt(byteCount))
    unsafe self.address = unsafe address
    self.byteCount = byteCount
    self.granularity = granularity
    self.protection = protection
    self.mover = mover
    self.durability = durability
    self.ownsMemory = ownsMemory
    kind = source.kind
    system = source.system
    writableByteCount = protection.contains(.write) ? byteCount : 0
    readableByteCount = protection.isDisjoint(with: [.read, .write]) ? 0 : byteCount
  }

  deinit {
    // Its futures are gone, for each holds a reference: only dropped ones may run still.
    orphans.waitForAll()
    if isMapped { _ = releaseMemory() }
  }

  /// The bytes of the map.
  ///
  /// - Precondition: The map is not unmapped while they are used.
  @unsafe
  public var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  /// Unmaps it now.
  ///
  /// From then on everything asked of it is refused. Waits for operations whose futures were dropped while they ran. What was mapped before
  /// ``fromExisting(_:of:granularity:mover:)`` stays mapped.
  ///
  /// - Throws: ``PMem2Error/mappingNotFound`` if it was unmapped already;
  ///   ``PMem2Error/operationsInFlight(_:)`` if futures are not complete, even if they are not
  ///   started; ``PMem2Error/system(call:errno:)`` from `munmap`.
  /// - Precondition: No other thread is inside a call that uses the memory.
  ///
  /// Corresponds to C's `pmem2_map_delete`.
  @available(*, noasync, message: "it may wait: let the last reference go, or use a thread")
  public func unmap() throws(PMem2Error) {
    orphans.waitForAll(released: endOperations)
    // ORDER: acquiring pairs with the release in `endOperations`: what operations did is done.
    let (won, found) = inFlight.compareExchange(
      expected: 0, desired: Self.unmapped, ordering: .acquiring)
    guard won else { throw found < 0 ? .mappingNotFound : .operationsInFlight(found) }
    let code = releaseMemory()
    guard code == 0 else {
      inFlight.store(0, ordering: .relaxed)
      throw .system(call: "munmap", errno: code)
    }
  }

  /// Gives back the range, and then the memory, whose address the next map may get at once.
  ///
  /// - Returns: The error number of `munmap`, or 0. After an error all is as before.
  private func releaseMemory() -> CInt {
    let start = unsafe UInt(bitPattern: address)
    let range = start..<start + UInt(byteCount)
    MapRegistry.remove(range)
    guard ownsMemory else { return 0 }
    // SAFETY: it was mapped by `init`, nobody uses it any more, and this succeeds once.
    if unsafe system.unmap(address, byteCount.roundedUp(to: system.pageSize)) == 0 { return 0 }
    let code = errno
    // Cannot fail: the memory was not given to anyone.
    try? MapRegistry.add(range)
    return code
  }

  // MARK: Counting

  /// Whether it was not unmapped yet.
  var isMapped: Bool { inFlight.load(ordering: .relaxed) >= 0 }

  /// Counts a future, which keeps the map from being unmapped.
  ///
  /// - Returns: Whether it was counted; not if the map was unmapped.
  func beginOperation() -> Bool {
    if inFlight.wrappingAdd(1, ordering: .relaxed).oldValue >= 0 { return true }
    inFlight.wrappingSubtract(1, ordering: .relaxed)
    return false
  }

  /// Counts operations as done.
  func endOperations(_ count: Int) {
    // ORDER: releasing pairs with the acquire in `unmap`.
    inFlight.wrappingSubtract(count, ordering: .releasing)
  }
}

// @unchecked: everything stored is constant or safe to share; the memory that `address` names is
// shared as its users agree, as is said above.
extension Map: @unchecked Sendable {}
