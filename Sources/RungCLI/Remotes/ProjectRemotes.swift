import Glibc
import RungCore
import RungEngine
import RungModel

/// The remotes of a project, for the person who asks.
enum ProjectRemotes {
  /// Those of a run; nil when there are none. What is wrong with one is said, and the run goes on without it.
  static func forRun(_ session: Session) -> RemoteCaches? {
    let (caches, problems) = open(session.project, only: nil)
    for problem in problems { Console.complain("\(Style.errors.yellow("warning:")) \(problem)") }
    return caches.remotes.isEmpty ? nil : caches
  }

  /// Those that a command is about: all, or the one with this name or address. Throws when there is none, or one cannot be
  /// used.
  static func chosen(_ session: Session, only: String?) throws -> RemoteCaches {
    let (caches, problems) = open(session.project, only: only)
    if let problem = problems.first { throw RequestError(message: problem) }
    guard caches.remotes.isEmpty else { return caches }
    if let only {
      let names = session.project.settings.remotes.map { $0.name ?? $0.address }
      throw RequestError(
        message: "no remote is called '\(only)'",
        hints: names.isEmpty ? ["rung.yaml names none"] : ["rung.yaml has \(names.joined(separator: ", "))"])
    }
    throw RequestError(
      message: "there is no remote cache",
      hints: ["name one in rung.yaml, such as `remote: /mnt/lab/rung`, in RUNG_REMOTE, or with --remote"])
  }

  private static func open(_ project: Project, only: String?) -> (caches: RemoteCaches, problems: [String]) {
    open(project.settings, root: project.root, only: only)
  }

  /// Those that settings and variables name, and what cannot be used of them.
  static func open(
    _ settings: ProjectSettings, root: String, only: String?
  ) -> (caches: RemoteCaches, problems: [String]) {
    RemoteCaches.open(
      settings, root: root, variables: callerVariables(), only: only,
      by: "\(userName(geteuid()) ?? "\(geteuid())")@\(HostResources.detect(environment: [:]).name)")
  }
}
