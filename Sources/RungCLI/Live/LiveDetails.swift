import Glibc
import RungCore
import RungExec

/// What running steps say, read from the files that grow in their workspaces: only those that are shown, only what is new.
struct LiveDetails {
  // More than this is not read at once, in bytes: a step may write faster than anybody can look.
  private static let most = 1 << 20

  private struct Follower {
    var events = StepEvents()
    var offset: Int64 = 0
  }

  // By workspace and start: the next step in a workspace is another one.
  private var followers: [String: Follower] = [:]

  /// Looks at what these steps have written.
  mutating func look(at running: [RunPicture.Running]) -> [String: LiveScreen.Detail] {
    var kept: [String: Follower] = [:]
    defer { followers = kept }
    var details: [String: LiveScreen.Detail] = [:]
    for entry in running {
      guard let workspace = entry.workspace else { continue }
      let name = "\(workspace) \(entry.since)"
      var follower = followers[name] ?? Follower()
      Self.follow(Workspace.events(of: workspace), &follower)
      kept[name] = follower
      var detail = LiveScreen.Detail(progress: follower.events.progress, metrics: follower.events.latest)
      detail.lastLine = Workspace.lastLine(of: workspace)
      if detail.progress == nil, let printed = PrintedProgress(detail.lastLine) {
        detail.progress = printed.share
        detail.done = printed.done
      }
      details[entry.instance] = detail
    }
    return details
  }

  private static func follow(_ path: String, _ follower: inout Follower) {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if status.st_size < follower.offset { follower = Follower() }
    // Of a file that grew too fast the newest is worth most.
    let start = max(follower.offset, Int64(status.st_size) - Int64(most))
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(Int64(status.st_size) - start)) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, buffer.count, off_t(start)))
    }
    follower.events.take(bytes)
    follower.offset = start + Int64(bytes.count)
  }
}
