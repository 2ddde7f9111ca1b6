import Glibc

@testable import PMem2

/// Debian's libpmem2, opened at run time: nothing here needs it to be built.
struct LibPMem2 {
  typealias Pointer = UnsafeMutableRawPointer
  typealias Handle = UnsafeMutablePointer<Pointer?>

  let configNew: @convention(c) (Handle) -> CInt
  let configDelete: @convention(c) (Handle) -> CInt
  let setGranularity: @convention(c) (Pointer?, CInt) -> CInt
  let setOffset: @convention(c) (Pointer?, Int) -> CInt
  let setLength: @convention(c) (Pointer?, Int) -> CInt
  let setSharing: @convention(c) (Pointer?, CInt) -> CInt
  let setProtection: @convention(c) (Pointer?, CUnsignedInt) -> CInt
  let sourceFromDescriptor: @convention(c) (Handle, CInt) -> CInt
  let sourceFromAnonymous: @convention(c) (Handle, Int) -> CInt
  let sourceDelete: @convention(c) (Handle) -> CInt
  let mapNew: @convention(c) (Handle, Pointer?, Pointer?) -> CInt
  let mapDelete: @convention(c) (Handle) -> CInt
  let address: @convention(c) (Pointer?) -> Pointer?
  let size: @convention(c) (Pointer?) -> Int
  let granularity: @convention(c) (Pointer?) -> CInt
  let deepFlush: @convention(c) (Pointer?, Pointer?, Int) -> CInt
  typealias Copy =
    @convention(c) (Pointer?, UnsafeRawPointer?, Int, CUnsignedInt) -> Pointer?
  typealias Fill = @convention(c) (Pointer?, CInt, Int, CUnsignedInt) -> Pointer?
  let getMemcpy: @convention(c) (Pointer?) -> Copy?
  let getMemmove: @convention(c) (Pointer?) -> Copy?
  let getMemset: @convention(c) (Pointer?) -> Fill?

  /// Whether it can be opened on this machine.
  static let isInstalled = dlopen("libpmem2.so.1", RTLD_LAZY) != nil

  /// Opens it; it then reads `PMEM2_FORCE_GRANULARITY`, once.
  init?() {
    guard let library = dlopen("libpmem2.so.1", RTLD_NOW) else { return nil }
    func find<T>(_ name: String, _: T.Type = T.self) -> T {
      guard let symbol = dlsym(library, "pmem2_" + name) else {
        preconditionFailure("LibPMem2: no pmem2_\(name)")
      }
      return unsafeBitCast(symbol, to: T.self)
    }
    configNew = find("config_new")
    configDelete = find("config_delete")
    setGranularity = find("config_set_required_store_granularity")
    setOffset = find("config_set_offset")
    setLength = find("config_set_length")
    setSharing = find("config_set_sharing")
    setProtection = find("config_set_protection")
    sourceFromDescriptor = find("source_from_fd")
    sourceFromAnonymous = find("source_from_anon")
    sourceDelete = find("source_delete")
    mapNew = find("map_new")
    mapDelete = find("map_delete")
    address = find("map_get_address")
    size = find("map_get_size")
    granularity = find("map_get_store_granularity")
    deepFlush = find("deep_flush")
    getMemcpy = find("get_memcpy_fn")
    getMemmove = find("get_memmove_fn")
    getMemset = find("get_memset_fn")
  }

  /// Makes a map as `Map.init` does.
  ///
  /// - Parameters:
  ///   - descriptor: Of the source; `nil` for anonymous memory.
  ///   - byteCount: How much anonymous memory.
  ///   - config: What the map must be like.
  /// - Returns: The map, or the error's number.
  func map(
    _ descriptor: CInt?, byteCount: Int, _ config: Config
  ) -> Result<Pointer, Refusal> {
    var (source, configuration, map): (Pointer?, Pointer?, Pointer?) = (nil, nil, nil)
    var code =
      descriptor.map { sourceFromDescriptor(&source, $0) }
      ?? sourceFromAnonymous(&source, byteCount)
    guard code == 0 else { return .failure(Refusal(code: Int(code))) }
    defer { _ = sourceDelete(&source) }
    _ = configNew(&configuration)
    defer { _ = configDelete(&configuration) }
    let protection = CUnsignedInt(config.protection.rawValue)
    for step in [
      { setProtection(configuration, protection) }, { setOffset(configuration, config.offset) },
      { setLength(configuration, config.length) },
      { setSharing(configuration, config.sharing == .private ? 1 : 0) },
      { setGranularity(configuration, CInt(config.granularity.rawValue)) },
      { mapNew(&map, configuration, source) },
    ] {
      code = step()
      guard code == 0 else { return .failure(Refusal(code: Int(code))) }
    }
    guard let map else { return .failure(Refusal(code: 0)) }
    return .success(map)
  }

  /// The number of an error.
  struct Refusal: Error { var code: Int }
}
