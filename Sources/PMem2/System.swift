import Glibc
package import VDM

/// What this module asks of the operating system, so that tests can stand in for it.
///
/// No machine at hand has persistent memory: `MAP_SYNC`, eADR, device DAX and failing disks are
/// tested with another system.
@safe
package struct System: Sendable {
  /// As `mmap`: the address, or `MAP_FAILED` with `errno` set.
  package var map:
    @Sendable (UnsafeMutableRawPointer?, Int, CInt, CInt, CInt, Int) ->
      UnsafeMutableRawPointer?
  /// As `munmap`.
  package var unmap: @Sendable (UnsafeMutableRawPointer, Int) -> CInt
  /// As `msync`.
  package var synchronise: @Sendable (UnsafeMutableRawPointer, Int, CInt) -> CInt
  /// Where the kernel tells about devices.
  package var sysfs: String
  /// The value of `PMEM2_FORCE_GRANULARITY`.
  package var forcedGranularity: @Sendable () -> String?
  /// How the CPU stores and flushes.
  package var memory = NativeMemory.best
  /// The size of a page in bytes.
  package let pageSize = sysconf(CInt(_SC_PAGESIZE))

  /// The operating system itself.
  package init() {
    unsafe map = { unsafe mmap($0, $1, $2, $3, $4, $5) }
    unsafe unmap = { unsafe munmap($0, $1) }
    unsafe synchronise = { unsafe msync($0, $1, $2) }
    sysfs = "/sys"
    forcedGranularity = {
      unsafe getenv("PMEM2_FORCE_GRANULARITY").map { unsafe String(cString: $0) }
    }
  }

  /// Waits until the pages of a range are on the disk.
  ///
  /// - Throws: ``PMem2Error/system(call:errno:)``.
  func synchronisePages(_ start: UInt, byteCount: Int) throws(PMem2Error) {
    let first = start & ~UInt(pageSize - 1)
    let count = (start - first + UInt(byteCount)).roundedUp(to: UInt(pageSize))
    guard byteCount > 0, let address = unsafe UnsafeMutableRawPointer(bitPattern: first) else {
      return
    }
    // SAFETY: nothing is read or written here; a page that is not mapped is an error.
    while unsafe synchronise(address, Int(count), MS_SYNC) != 0 {
      guard errno == EINTR else { throw .system(call: "msync", errno: errno) }
    }
  }
}

extension UInt {
  /// The next multiple of a power of two.
  func roundedUp(to alignment: UInt) -> UInt { (self + alignment - 1) & ~(alignment - 1) }
}
