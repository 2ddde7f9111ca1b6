import ExampleSupport
import Glibc
import PMem2
import VDM

/// Copies a file, and prints how that goes.
///
/// The destination has its old contents, or none, until the copy is complete.
func copyFile(_ options: CopyOptions, _ stop: StopSignals) throws(CopyError) {
  let source = try File.openToRead(options.source)
  let destination = try Destination(options.destination, source: source)
  let size = try source.byteCount()
  var copy = try UnfinishedFile(for: destination, mode: source.status().st_mode)
  try copy.reserve(byteCount: size)

  let elapsed = try fill(copy.file, from: source, byteCount: size, options, stop)
  try stop.check()
  try copy.finish()
  if options.isDurable { try synchroniseDirectory(destination.directory) }
  Console.write(summary(byteCount: size, elapsed) + "\n")
}

/// Copies the bytes, and compares them if that is asked for.
///
/// - Returns: How long the copying took.
private func fill(
  _ copy: borrowing File, from source: borrowing File, byteCount: Int, _ options: CopyOptions,
  _ stop: StopSignals
) throws(CopyError) -> Duration {
  let from = try Mapping(of: source, byteCount: byteCount, for: .read)
  let clock = ContinuousClock()
  let start = clock.now
  try copyBytes(from.readable, to: copy, options, stop)
  let elapsed = clock.now - start
  guard try source.byteCount() >= byteCount else {
    throw .failed("'\(source.path)' became shorter while it was copied")
  }
  if options.verifies {
    let written = try Mapping(of: copy, byteCount: byteCount, for: .read)
    if let offset = try compare(from.readable, written.readable, "verified", stop) {
      throw .failed("the copy differs from '\(source.path)' at byte \(offset)")
    }
  }
  return elapsed
}

/// Copies the bytes, durably if that is asked for, and shows how that goes.
private func copyBytes(
  _ source: UnsafeRawBufferPointer, to copy: borrowing File, _ options: CopyOptions,
  _ stop: StopSignals
) throws(CopyError) {
  var progress = Progress("copied", byteCount: source.count)
  func afterEach(_ byteCount: Int) throws(CopyError) {
    try stop.check()
    try PageFaults.check()
    progress.advance(by: byteCount)
  }
  if options.isDurable {
    try copyDurably(source, to: copy, options, afterEach)
  } else {
    let mapping = try Mapping(of: copy, byteCount: source.count, for: .write)
    try move(source, to: mapping.bytes, options, afterEach)
  }
}

/// Copies the bytes with the mover that was chosen.
private func move(
  _ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer,
  _ options: CopyOptions, _ afterEach: (Int) throws(CopyError) -> Void
) throws(CopyError) {
  switch options.mover {
  case .sync:
    let mover = SynchronousMover()
    let plan = try plan(options, mover, threads: 1)
    try copyChunks(from: source, to: destination, with: mover, plan, afterEach: afterEach)
  case .threads(let count):
    let mover = try startThreads(count)
    let plan = try plan(options, mover, threads: mover.configuration.threads)
    try copyChunks(from: source, to: destination, with: mover, plan, afterEach: afterEach)
  case .dml:
    let mover = try startDML()
    // A few for each of the queues that accelerators usually have.
    let plan = try plan(options, mover, threads: mover.usesAccelerator ? 8 : 1)
    try copyChunks(from: source, to: destination, with: mover, plan, afterEach: afterEach)
  }
}

/// Makes a mover over libdml, which has an accelerator if there is one.
private func startDML() throws(CopyError) -> DMLMover {
  do throws(VDMError) {
    return try DMLMover(path: .auto)
  } catch {
    throw .failed("\(error)")
  }
}

/// Copies the bytes so that each chunk is on the disk, or in persistent memory, when it is done.
///
/// `PMem2` finds out which of the two the file lies in, and what has to be done there.
private func copyDurably(
  _ source: UnsafeRawBufferPointer, to copy: borrowing File, _ options: CopyOptions,
  _ afterEach: (Int) throws(CopyError) -> Void
) throws(CopyError) {
  if !source.isEmpty {
    var config = Config(granularity: .page)
    let copyPlan: CopyPlan
    switch options.mover {
    case .sync: copyPlan = try plan(options, SynchronousMover(), threads: 1)
    case .threads(let count):
      let mover = try startThreads(count)
      config.mover = mover
      copyPlan = try plan(options, mover, threads: mover.configuration.threads)
    case .dml:
      let mover = try startDML()
      config.mover = mover
      copyPlan = try plan(options, mover, threads: mover.usesAccelerator ? 8 : 1)
    }
    let map = try makeMap(of: copy, config)
    try copyChunks(from: source, to: map, copyPlan, afterEach: afterEach)
  }
  // The file's size.
  try copy.synchronise()
}

private func makeMap(of file: borrowing File, _ config: Config) throws(CopyError) -> Map {
  do throws(PMem2Error) {
    return try Map(Source(descriptor: file.descriptor), config)
  } catch {
    throw .failed("cannot map '\(file.path)': \(error)")
  }
}

/// Starts a mover with so many threads; `nil` for one for each processor.
func startThreads(_ count: Int?) throws(CopyError) -> ThreadMover {
  do throws(VDMError) {
    return try ThreadMover(configuration: .init(threads: count))
  } catch {
    throw .failed("\(error)")
  }
}

private func plan(
  _ options: CopyOptions, _ mover: some DataMover, threads: Int
) throws(CopyError) -> CopyPlan {
  let flags: OperationFlags = options.bypassesCache ? .noCacheHint : []
  guard mover.isSupported(flags) else {
    throw .failed("this CPU has no instructions for --no-cache")
  }
  return CopyPlan(chunkSize: options.chunkSize, threads: threads, flags: flags)
}

extension CopyPlan {
  /// Keeps one chunk for each thread under way, and one more waiting for it.
  init(chunkSize: Int, threads: Int, flags: OperationFlags) {
    self.init(chunkSize: chunkSize, window: 2 * threads, flags: flags)
  }
}

/// Waits until the names in a directory are on the disk.
private func synchroniseDirectory(_ path: String) throws(CopyError) {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .system("cannot open the directory '\(path)'") }
  try File(descriptor: descriptor, path: path).synchronise()
}
