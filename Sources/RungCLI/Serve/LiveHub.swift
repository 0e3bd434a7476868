import Glibc
import RungCore
import RungExec
import RungServe
import Synchronization

/// Follows the runs of a project and tells browsers of them, as long as there are any that listen.
///
/// One thread looks four times a second, however many listen; it reads the journal of the run and the files that grow in the
/// workspaces of what is shown. It writes nothing anywhere.
final class LiveHub: Sendable {
  /// The channel of events.
  static let channel = "live"

  private struct State {
    var workspaces: [String: String] = [:]
    var isOver = false
  }

  private let cache: String
  private let project: String
  private let state = Mutex(State())

  /// A hub for the project that the ledger of this cache calls so.
  init(cache: String, project: String) {
    self.cache = cache
    self.project = project
  }

  /// Where an instance that runs now writes; nil for one that does not.
  func workspace(of instance: String) -> String? { state.withLock { $0.workspaces[instance] } }

  /// Ends the thread.
  func stop() { state.withLock { $0.isOver = true } }

  /// Starts to tell the browsers of a server.
  func start(_ server: LoopbackServer) -> StartedThread {
    startThread { [self] in
      var follower: RunFollower?
      var details = LiveDetails()
      var said = ""
      var ticks = 0
      while !state.withLock({ $0.isOver }) {
        usleep(250_000)
        ticks += 1
        // So that neither side takes the other for gone.
        if ticks % 60 == 0 { server.broadcast("{}", as: "beat", to: Self.channel) }
        guard server.channels.contains(Self.channel) else { continue }
        if follower == nil { follower = RunFollower(cache: cache, project: project) }
        guard var current = follower else {
          say(LiveSnapshot.idle, &said, server)
          continue
        }
        _ = current.read()
        let hasEnded = current.hasEnded
        // What was written before it ended.
        if hasEnded { while current.read() {} }
        say(snapshot(current, &details), &said, server)
        follower = current
        if hasEnded {
          current.close()
          follower = nil
          details = LiveDetails()
          state.withLock { $0.workspaces = [:] }
        }
      }
      follower?.close()
    }
  }

  private func snapshot(_ follower: RunFollower, _ details: inout LiveDetails) -> JSON {
    let shown = Array(follower.picture.running.prefix(LiveSnapshot.mostShown))
    var logs: [String: [String]] = [:]
    var workspaces: [String: String] = [:]
    for entry in shown {
      guard let workspace = entry.workspace else { continue }
      workspaces[entry.instance] = workspace
      logs[entry.instance] = Workspace.lastLines(of: workspace)
    }
    state.withLock { $0.workspaces = workspaces }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return LiveSnapshot(
      run: follower.run, picture: follower.picture, details: details.look(at: shown), logs: logs,
      messages: follower.messages, summary: follower.summary,
      now: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    ).json
  }

  private func say(_ json: JSON, _ said: inout String, _ server: LoopbackServer) {
    let text = json.compact
    if text == said { return }
    said = text
    server.broadcast(text, as: "state", to: Self.channel)
  }
}
