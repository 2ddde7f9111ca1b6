import Glibc
import TestSupport
import VDM

@testable import PMem2

/// What a fake system was asked for.
final class SystemLog: Sendable {
  struct State {
    var mapFlags: [CInt] = []
    var unmapped: [Int] = []
    /// Offsets in pages and lengths of `msync`, by address.
    var synchronised: [(address: UInt, byteCount: Int)] = []
    /// What the next calls of `msync` fail with, one after the other.
    var synchroniseErrors: [CInt] = []
    var unmapErrors: [CInt] = []
  }
  let state = Guarded(State())

  var synchronised: [(address: UInt, byteCount: Int)] { state.withLock { $0.synchronised } }
  func forget() { state.withLock { $0.synchronised = [] } }
}

private let mapSync: CInt = 0x80000
private let mapSharedValidate: CInt = 3

extension System {
  /// The real system, with a granularity of the test's choice and all calls written down.
  ///
  /// - Parameters:
  ///   - forced: As `PMEM2_FORCE_GRANULARITY`; unset even if the environment has it.
  ///   - mapSyncError: What `mmap` with `MAP_SYNC` fails with; 0 lets it succeed.
  static func fake(
    _ log: SystemLog = SystemLog(), forced: String? = nil, mapSyncError: CInt = EOPNOTSUPP,
    sysfs: String = "/nonexistent"
  ) -> System {
    var system = System()
    system.forcedGranularity = { forced }
    system.sysfs = sysfs
    system.map = { address, count, protection, flags, descriptor, offset in
      log.state.withLock { $0.mapFlags.append(flags) }
      guard flags & mapSync != 0 else {
        return mmap(address, count, protection, flags, descriptor, offset)
      }
      guard mapSyncError == 0 else {
        errno = mapSyncError
        return MAP_FAILED
      }
      let plain = flags & ~(mapSync | mapSharedValidate) | MAP_SHARED
      return mmap(address, count, protection, plain, descriptor, offset)
    }
    system.unmap = { address, count in
      let error = log.state.withLock { state -> CInt? in
        if !state.unmapErrors.isEmpty { return state.unmapErrors.removeFirst() }
        state.unmapped.append(count)
        return nil
      }
      guard let error else { return munmap(address, count) }
      errno = error
      return -1
    }
    system.synchronise = { address, count, flags in
      let error = log.state.withLock { state -> CInt? in
        state.synchronised.append((UInt(bitPattern: address), count))
        return state.synchroniseErrors.isEmpty ? nil : state.synchroniseErrors.removeFirst()
      }
      guard let error else { return msync(address, count, flags) }
      errno = error
      return -1
    }
    return system
  }
}

extension Granularity {
  /// How the environment spells it.
  var forcing: String { ["BYTE", "CACHE_LINE", "PAGE"][Int(rawValue)] }
}

/// A file that is removed when it goes out of scope, and maps of it.
struct TestFile: ~Copyable {
  private let directory: ScratchDirectory
  let descriptor: CInt

  init(byteCount: Int = 1 << 16) throws {
    directory = try ScratchDirectory()
    descriptor = open(directory["file"], O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    precondition(ftruncate(descriptor, byteCount) == 0, "TestFile: no file could be made")
  }

  deinit { close(descriptor) }

  var path: String { directory["file"] }
  var bytes: [UInt8]? { directory.read("file") }

  /// A map with the granularity of the test's choice.
  func map(
    _ granularity: Granularity = .page, _ log: SystemLog = SystemLog(),
    mover: (any DataMover)? = nil, memory: NativeMemory? = nil
  ) throws -> Map {
    var system = System.fake(log, forced: granularity.forcing)
    if let memory { system.memory = memory }
    let source = try Source(descriptor: descriptor, system: system)
    return try Map(source, Config(granularity: .page, mover: mover))
  }
}

/// What a body throws; `nil` if nothing.
func refusal(_ body: () throws(PMem2Error) -> Void) -> PMem2Error? {
  do throws(PMem2Error) {
    try body()
    return nil
  } catch {
    return error
  }
}
