import Glibc

/// Where a source was mapped.
@safe
struct Placement {
  /// The first byte.
  let address: UnsafeMutableRawPointer
  /// Whether the kernel has promised that stores go to the medium itself (`MAP_SYNC`).
  let isSynchronous: Bool

  // Of <asm-generic/mman.h>: Glibc's module does not have them.
  private static let mapSharedValidate: CInt = 0x03
  private static let mapSync: CInt = 0x80000

  /// Maps a range of a source to an address that large pages can be used for.
  ///
  /// - Parameters:
  ///   - range: What of the source.
  ///   - source: The source.
  ///   - alignment: The source's.
  ///   - config: Sharing and protection.
  /// - Throws: ``PMem2Error/noAccess(_:)``, ``PMem2Error/system(call:errno:)``.
  init(
    _ range: MapRange, of source: borrowing Source, alignment: Int, _ config: Config
  ) throws(PMem2Error) {
    let system = source.system
    // No address space is that large, and sums of such counts do not overflow.
    guard range.byteCount <= 1 << 56 else { throw .system(call: "mmap", errno: ENOMEM) }
    let byteCount = range.byteCount.roundedUp(to: system.pageSize)
    let reserved = byteCount + Self.addressAlignment(byteCount, alignment)
    let start = unsafe system.map(
      nil, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw .system(call: "mmap", errno: errno)
    }
    let aligned = unsafe start.alignedUp(toMultipleOf: reserved - byteCount)
    let (code, isSynchronous) = unsafe Self.map(
      at: aligned, byteCount, range.offset, source, config)
    guard code == 0 else {
      _ = unsafe system.unmap(start, reserved)
      throw code == EACCES
        ? .noAccess(config.protection) : .system(call: "mmap", errno: code)
    }
    let before = unsafe aligned - start
    if before > 0 { _ = unsafe system.unmap(start, before) }
    let after = reserved - before - byteCount
    if after > 0 { _ = unsafe system.unmap(aligned + byteCount, after) }
    unsafe address = unsafe aligned
    self.isSynchronous = isSynchronous
  }

  /// Maps over what was reserved; with `MAP_SYNC` if that works.
  ///
  /// - Returns: The error number, or 0, and whether it has worked.
  private static func map(
    at address: UnsafeMutableRawPointer, _ byteCount: Int, _ offset: Int,
    _ source: borrowing Source, _ config: Config
  ) -> (code: CInt, isSynchronous: Bool) {
    let protection = config.protection.bits
    let system = source.system
    let descriptor = source.descriptor ?? -1
    let offset = descriptor < 0 ? 0 : offset
    func attempt(_ flags: CInt) -> CInt {
      // SAFETY: what is replaced is the caller's own reservation.
      let mapped = unsafe system.map(
        address, byteCount, protection, flags | MAP_FIXED, descriptor, offset)
      return unsafe mapped == MAP_FAILED ? errno : 0
    }
    // Asked elsewhere first: where the file system refuses, the kernel has taken the reservation away by
    // then, and another thread's mapping may be there before the next attempt replaces it.
    func refusal(_ flags: CInt) -> CInt {
      let mapped = unsafe system.map(nil, byteCount, protection, flags, descriptor, offset)
      guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { return errno }
      _ = unsafe system.unmap(mapped, byteCount)
      return 0
    }
    let anonymous = source.descriptor == nil ? MAP_ANONYMOUS : 0
    if config.sharing == .private { return (attempt(MAP_PRIVATE | anonymous), false) }
    if anonymous != 0 { return (attempt(MAP_SHARED | anonymous), false) }
    let code = refusal(mapSharedValidate | mapSync)
    // Old kernels do not know the flag; file systems that are not on persistent memory refuse it.
    if code == EINVAL || code == EOPNOTSUPP { return (attempt(MAP_SHARED), false) }
    if code != 0 { return (code, false) }
    return (attempt(mapSharedValidate | mapSync), true)
  }

  /// As the original: 1 GiB for large maps, else 2 MiB, and what the source needs.
  private static func addressAlignment(_ byteCount: Int, _ alignment: Int) -> Int {
    max(alignment, byteCount >= 2 << 30 ? 1 << 30 : 2 << 20)
  }
}

extension Protection {
  /// The bits of `mmap`.
  fileprivate var bits: CInt {
    (contains(.read) ? PROT_READ : 0) | (contains(.write) ? PROT_WRITE : 0)
      | (contains(.execute) ? PROT_EXEC : 0)
  }
}

extension Int {
  /// The next multiple of a power of two, not negative.
  func roundedUp(to alignment: Int) -> Int { (self + alignment - 1) & ~(alignment - 1) }
}
