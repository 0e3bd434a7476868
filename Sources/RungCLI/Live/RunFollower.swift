import Glibc
import RungCore
import RungEngine

/// Reads the journal of a run of another process, as it grows (`RunJournal`).
struct RunFollower {
  /// The run.
  let run: String
  /// What it looks like; times are nanoseconds since 1970.
  private(set) var picture = RunPicture([])
  /// Messages for people, the newest last; at most `mostMessages`.
  private(set) var messages: [(kind: String, text: String)] = []
  /// The summary, when the run has said that it has ended.
  private(set) var summary: JSON?
  private let path: String
  private let file: Int32
  private var offset: Int64 = 0
  private var rest: [UInt8] = []

  private static let mostMessages = 50
  private static let most = 4 << 20

  /// The journal of the newest run of a project that goes on in a cache; nil when none does.
  init?(cache: String, project: String) {
    for path in RunJournal.journals(in: RunJournal.folder(inCache: cache, project: project)).reversed() {
      let file = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
      guard file >= 0 else { continue }
      // Who can have the lock looks at what a killed run has left.
      if flock(file, LOCK_SH | LOCK_NB) == 0 {
        Glibc.close(file)
        continue
      }
      self.path = path
      self.file = file
      let name = path.split(separator: "/").last.map(String.init) ?? path
      run = String(name.dropLast(".jsonl".count))
      return
    }
    return nil
  }

  /// Lets go of the file. Nothing is read after that.
  func close() { Glibc.close(file) }

  /// Whether the run has ended, one way or another.
  var hasEnded: Bool {
    if summary != nil { return true }
    let isLeft = flock(file, LOCK_SH | LOCK_NB) == 0
    if isLeft { flock(file, LOCK_UN) }
    return isLeft
  }

  /// Reads what is new. True when there was anything.
  mutating func read() -> Bool {
    let bytes = [UInt8](unsafeUninitializedCapacity: Self.most) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, buffer.count, off_t(offset)))
    }
    guard !bytes.isEmpty else { return false }
    offset += Int64(bytes.count)
    rest += bytes
    // All lines first, then one cut: a long journal is read at once by who comes late.
    var start = rest.startIndex
    while let end = rest[start...].firstIndex(of: 10) {
      if let json = try? JSON(parsing: Array(rest[start..<end])) { take(json) }
      start = end + 1
    }
    rest.removeSubrange(..<start)
    return true
  }

  private mutating func take(_ json: JSON) {
    let now = Int64(json["at_ns"]?.int ?? 0)
    let instance = json["instance"]?.string ?? ""
    switch json["event"]?.string {
    case "run-started":
      // A later stage of the run knows more of it.
      let steps = (json["steps"]?.array ?? []).map { step in
        RunPicture.Step(
          path: step["step"]?.string ?? "", total: step["instances"]?.int ?? 0, isLoop: step["loop"]?.bool ?? false,
          each: step["seconds"]?.double)
      }
      let began = picture.total > 0 ? picture.started : now
      picture = RunPicture(steps)
      picture.note(
        .started(run: run, instances: json["instances"]?.int ?? 0, jobs: json["jobs"]?.int ?? 1), at: began)
    case "unchanged":
      for step in json["steps"]?.array ?? [] {
        guard let name = step["step"]?.string else { continue }
        picture.note(unchanged: step["current"]?.int ?? 0, settled: step["settled"]?.int ?? 0, of: name)
      }
    case "step-started":
      picture.note(
        .stepStarted(
          instance: instance, step: json["step"]?.string ?? "", attempt: json["attempt"]?.int ?? 1,
          workspace: json["workspace"]?.string), at: now)
    case "step-finished":
      picture.note(
        .stepSucceeded(
          instance: instance, step: "", duration: TimeSpan(nanoseconds: Int64(json["duration_ns"]?.int ?? 0)),
          record: .empty), at: now)
    case "step-failed":
      picture.note(failed: instance)
      say("failed", "\(instance): \(json["problem"]?.string ?? "")")
    case "step-retrying":
      picture.note(.retrying(instance: instance, attempt: 0, of: 0, problem: ""), at: now)
      say("warning", "\(instance): \(json["problem"]?.string ?? ""); it is tried again")
    case "steps-skipped":
      picture.note(.skipped(instances: (json["instances"]?.array ?? []).compactMap(\.string)), at: now)
    case "published": say("published", json["path"]?.string ?? "")
    case "not-published": say("failed", json["problem"]?.string ?? "")
    case "warning": say("warning", json["message"]?.string ?? "")
    case "environment": say("environment", json["message"]?.string ?? "")
    case "claim":
      say("claim", "\(json["pipeline"]?.string ?? "")/\(json["name"]?.string ?? ""): \(json["verdict"]?.string ?? "")")
    case "run-finished": summary = json
    default: break
    }
  }

  private mutating func say(_ kind: String, _ text: String) {
    messages.append((kind, text))
    if messages.count > Self.mostMessages { messages.removeFirst() }
  }
}
