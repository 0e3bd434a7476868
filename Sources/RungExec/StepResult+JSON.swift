import RungCore

// A result as a worker writes it for the run that waits for it; both are of the same version of Rung.
extension StepResult {
  /// The result, without its observation, of which only what was kept (`observed`) is told.
  public var json: JSON {
    let end: JSON =
      switch self.end {
      case .exited(let code): ["exited": .int(code)]
      case .signalled(let number): ["signalled": .int(number)]
      case .timedOut: "timed out"
      case .stopped: "stopped"
      case .notStarted(let reason): ["not_started": .string(reason)]
      }
    return [
      "end": end, "outputs": .array(outputs.map(\.json)), "problem": .optional(problem),
      "machine_fault": .bool(isMachineFault), "log": log.map { .digest($0) } ?? .null,
      "tail": .array(logTail.map { .string($0) }), "events": events.map { .digest($0) } ?? .null,
      "events_left_out": .int(eventsLeftOut), "started_ns": .int(startedAt),
      "duration_ns": .int(duration.nanoseconds), "cpu_ns": .int(cpu.nanoseconds),
      "peak_memory_bytes": .int(peakMemory.bytes), "left_processes": .bool(leftProcesses),
      "recorded": .bool(observation.isRecorded), "observed": observed?.json ?? .null, "place": place?.json ?? .null,
      "attempts_before": .int(attemptsBefore),
    ]
  }

  /// Reads a result; nil when it is none.
  public init?(json: JSON) {
    guard let how = json["end"], let outputs = StepTask.list(json["outputs"], ProducedOutput.init(json:)),
      let tail = StepTask.list(json["tail"], \.string)
    else { return nil }
    let end: End
    if let code = how["exited"]?.int {
      end = .exited(Int32(truncatingIfNeeded: code))
    } else if let number = how["signalled"]?.int {
      end = .signalled(Int32(truncatingIfNeeded: number))
    } else if let reason = how["not_started"]?.string {
      end = .notStarted(reason)
    } else if how.string == "timed out" {
      end = .timedOut
    } else if how.string == "stopped" {
      end = .stopped
    } else {
      return nil
    }
    func number(_ name: String) -> Int64 { Int64(json[name]?.int ?? 0) }
    self.init(
      end: end, outputs: outputs, problem: json["problem"]?.string,
      isMachineFault: json["machine_fault"]?.bool ?? false, log: json["log"]?.digest, logTail: tail,
      startedAt: number("started_ns"), duration: TimeSpan(nanoseconds: number("duration_ns")),
      cpu: TimeSpan(nanoseconds: number("cpu_ns")), peakMemory: ByteCount(bytes: number("peak_memory_bytes")),
      leftProcesses: json["left_processes"]?.bool ?? false)
    events = json["events"]?.digest
    eventsLeftOut = Int(number("events_left_out"))
    observation.isRecorded = json["recorded"]?.bool ?? false
    observed = json["observed"].flatMap(KeptObservation.init(json:))
    place = json["place"].flatMap(StepPlace.init(json:))
    attemptsBefore = Int(number("attempts_before"))
  }
}

extension ProducedOutput {
  var json: JSON {
    [
      "name": .string(name), "path": .string(path.text), "digest": .digest(digest), "size": .int(size),
      "directory": .bool(isDirectory), "executable": .bool(executable),
    ]
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let path = json["path"]?.string.flatMap({ RelativePath($0) }),
      let digest = json["digest"]?.digest, let size = json["size"]?.int
    else { return nil }
    self.init(
      name: name, path: path, digest: digest, size: Int64(size), isDirectory: json["directory"]?.bool ?? false,
      executable: json["executable"]?.bool ?? false)
  }
}

extension KeptObservation {
  var json: JSON {
    [
      "project": project.map { .digest($0) } ?? .null, "system": system.map { .digest($0) } ?? .null,
      "problems": .array(problems.map { .string($0) }), "changed": .array(changed.map { .string($0) }),
    ]
  }

  init?(json: JSON) {
    guard let problems = StepTask.list(json["problems"], \.string),
      let changed = StepTask.list(json["changed"], \.string)
    else { return nil }
    self.init(
      project: json["project"]?.digest, system: json["system"]?.digest, problems: problems, changed: changed)
  }
}
