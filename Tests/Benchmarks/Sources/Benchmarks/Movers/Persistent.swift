import CBenchmarks
import Glibc
import PMem2

/// Durable copies into a map whose granularity is forced to cache line, beside libpmem2's.
///
/// libpmem2 is opened at run time; where it is not installed there is nothing to compare with.
func persistentRows(_ effort: Effort) -> [Row] {
  setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1)
  defer { unsetenv("PMEM2_FORCE_GRANULARITY") }
  let size = 16 << 20
  guard let ours = makeMap(byteCount: size) else { return [] }
  let isInstalled = effort.peers.library(
    "libpmem2.so.1", named: "libpmem2", packages: ["libpmem2-1"])
  let theirs = isInstalled ? LibPMem2Map(byteCount: size) : nil
  let source = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
  defer { source.deallocate() }
  memset(source, 7, size)
  memset(ours.address, 1, size)
  let sizes = [64, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 16 << 20]
  return sizes.flatMap { rows(effort, $0, ours, theirs, source) }
}

private func rows(
  _ effort: Effort, _ size: Int, _ ours: Map, _ theirs: LibPMem2Map?,
  _ source: UnsafeMutableRawPointer
) -> [Row] {
  // Copies go through a window that stays in the caches, as far as a copy itself fits there.
  let window = max(size, 64 << 10)
  func sweep(_ count: Int, _ copy: (Int) -> Void) {
    var offset = 0
    for _ in 0..<count {
      copy(offset)
      offset += size
      if offset + size > window { offset = 0 }
    }
  }
  var bodies: [(Int) -> Void] = [
    { count in
      sweep(count) { try? ours.memcpy(to: ours.address + $0, from: source, byteCount: size) }
    },
    { count in
      sweep(count) {
        var copy = ours.memcpyAsync(to: ours.address + $0, from: source, byteCount: size)
        _ = copy.poll()
      }
    },
  ]
  if let theirs {
    bodies.append { count in sweep(count) { theirs.memcpy(theirs.address + $0, source, size, 0) } }
  }
  // The fastest of many short rounds: the same instructions run on both sides, so whatever is slower
  // than that is what the machine did besides.
  let short = Effort(
    rounds: 7 * effort.rounds, sample: effort.sample / 8, peers: effort.peers)
  let results = measure(short, bodies).map { Samples([$0.minimum]) }
  let peer = theirs == nil ? nil : results[2]
  // Runs of the same code still differ by 2 or 3 per cent.
  let budget: Row.Budget = .atMostTimesPeer(1.05)
  return [
    Row(
      name: "durable map copy, \(bytes(size))", unit: "ns", ours: results[0], peer: peer,
      peerName: "libpmem2", budget: budget),
    Row(
      name: "durable map copy, \(bytes(size)), asynchronous", unit: "ns", ours: results[1],
      peer: peer,
      peerName: "libpmem2, synchronous"),
  ]
}

/// A file without a name.
private func makeFile(byteCount: Int) -> CInt? {
  let path = "/dev/shm/pmem2-benchmark.\(getpid())"
  let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  unlink(path)
  return file >= 0 && ftruncate(file, byteCount) == 0 ? file : nil
}

private func makeMap(byteCount: Int) -> Map? {
  guard let file = makeFile(byteCount: byteCount) else { return nil }
  defer { close(file) }
  return try? Map(Source(descriptor: file), Config(granularity: .cacheLine))
}

/// A map of libpmem2, which lasts as long as the program.
private struct LibPMem2Map {
  typealias Handle = UnsafeMutableRawPointer
  typealias Copy =
    @convention(c) (Handle?, UnsafeRawPointer?, Int, CUnsignedInt) -> Handle?

  let address: UnsafeMutableRawPointer
  private let copy: Copy

  init?(byteCount: Int) {
    guard let library = dlopen("libpmem2.so.1", RTLD_NOW),
      let file = makeFile(byteCount: byteCount)
    else { return nil }
    defer { close(file) }
    func find<T>(_ name: String, _: T.Type) -> T {
      guard let symbol = dlsym(library, "pmem2_" + name) else {
        preconditionFailure("Benchmarks: no pmem2_\(name)")
      }
      return unsafeBitCast(symbol, to: T.self)
    }
    typealias New = @convention(c) (UnsafeMutablePointer<Handle?>) -> CInt
    typealias FromFile = @convention(c) (UnsafeMutablePointer<Handle?>, CInt) -> CInt
    typealias SetNumber = @convention(c) (Handle?, CInt) -> CInt
    typealias MapNew = @convention(c) (UnsafeMutablePointer<Handle?>, Handle?, Handle?) -> CInt
    typealias Get = @convention(c) (Handle?) -> Handle?
    typealias GetCopy = @convention(c) (Handle?) -> Copy?
    var (config, source, map): (Handle?, Handle?, Handle?) = (nil, nil, nil)
    guard find("config_new", New.self)(&config) == 0,
      find("config_set_required_store_granularity", SetNumber.self)(config, 1) == 0,
      find("source_from_fd", FromFile.self)(&source, file) == 0,
      find("map_new", MapNew.self)(&map, config, source) == 0,
      let address = find("map_get_address", Get.self)(map),
      let copy = find("get_memcpy_fn", GetCopy.self)(map)
    else { return nil }
    self.address = address
    self.copy = copy
    memset(address, 1, byteCount)
  }

  func memcpy(_ to: Handle, _ from: Handle, _ byteCount: Int, _ flags: CUnsignedInt) {
    _ = copy(to, from, byteCount, flags)
  }
}
