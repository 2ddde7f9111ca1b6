/// A measurement of ours that the driver runs as a process of its own.
struct Measurement: Sendable {
  let name: String
  /// The number that it is measured for when none is given.
  var size = 0
  /// Gives the numbers it measured, with a key when there are several.
  let run: @Sendable (_ size: Int) throws -> [(key: String, value: Double)]
}

/// All that can be measured in a process of its own.
let measurements: [Measurement] =
  switchMeasurements + yieldMeasurements + spawnMeasurements + channelMeasurements
  + sharedChannelMeasurements + parkedMeasurements + timerMeasurements + mutexMeasurements
  + crossWakeMeasurements

/// `Benchmarks measure NAME [N]`: prints what peers print, so that both are run and read alike.
///
/// - Parameter arguments: What follows `measure`.
/// - Returns: The exit status.
func measureOnce(_ arguments: [String]) -> CInt {
  guard let name = arguments.first, let measurement = measurements.first(where: { $0.name == name })
  else {
    complain("measurements: " + measurements.map(\.name).joined(separator: " "))
    return 2
  }
  let sizes = arguments.dropFirst().map { Int($0) ?? -1 }
  let size = sizes.first ?? measurement.size
  guard sizes.count <= 1, size >= 0 else {
    complain(
      "\(name): it is measured for one number, not for \(arguments.dropFirst().joined(separator: " "))"
    )
    return 2
  }
  do {
    for (key, value) in try measurement.run(size) {
      print(key.isEmpty ? "\(value)" : "\(key) \(value)")
    }
    return 0
  } catch {
    complain("\(name): \(error)")
    return 1
  }
}
