import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungExec
import RungModel
import RungTrace

/// Where the project is and how it is changed for this command.
struct ProjectOptions: ParsableArguments {
  @Option(
    name: [.customShort("C"), .customLong("project")],
    help: ArgumentHelp("Work in this folder's project instead of the current one.", valueName: "folder"),
    completion: .directory)
  var folder: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a parameter: name=value, or pipeline/name=value.", valueName: "name=value"))
  var set: [String] = []

  @Option(
    name: .customLong("over"),
    help: ArgumentHelp("Use only these values of an axis.", valueName: "axis=v1,v2"))
  var over: [String] = []

  @Option(name: .long, help: "Apply a profile of the pipeline file.")
  var profile: String?

  /// Targets as the project calls them: an absolute path below its root becomes one from the root.
  static func targets(_ texts: [String], in session: Session) -> [String] {
    let root = session.project.root + "/"
    return texts.map { $0.hasPrefix(root) ? String($0.dropFirst(root.count)) : $0 }
  }

  /// The overrides that the options ask for.
  func overrides(watch: WatchLevel? = nil) throws -> Overrides {
    var overrides = Overrides(profile: profile, watch: watch)
    for text in set {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw RequestError(message: "--set wants name=value, not '\(text)'")
      }
      overrides.parameters.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
    }
    for text in over {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw RequestError(message: "--over wants axis=value,value…, not '\(text)'")
      }
      let values = text[text.index(after: equals)...].split(separator: ",").map(String.init)
      overrides.axes.append((String(text[..<equals]), values))
    }
    return overrides
  }

  /// The project's root: the nearest folder upwards that has `rung.yaml` or `pipelines/`.
  func root() throws -> (root: String, place: RelativePath) {
    let start = folder ?? "."
    guard let real = realpath(start, nil) else {
      throw RequestError(message: "there is no folder '\(start)'")
    }
    let from = String(cString: real)
    free(real)
    var path = from
    while true {
      if access("\(path)/rung.yaml", F_OK) == 0 || access("\(path)/pipelines", F_OK) == 0 {
        let rest = from.dropFirst(path.count).drop { $0 == "/" }
        return (path, RelativePath(rest) ?? .root)
      }
      guard path != "/", let slash = path.lastIndex(of: "/") else { break }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
    throw RequestError(
      message: "'\(from)' is not in a Rung project: no folder upwards has a rung.yaml or a pipelines folder",
      hints: ["`rung init` makes a small working project here"])
  }

  /// The project's files, with what is known of a bundle that it came out of.
  static func files(_ root: String) -> ProjectFiles {
    var files = ProjectFiles.onDisk(root: root)
    let leftOut = BundleRemains.leftOut(ofProjectAt: root)
    files.isLeftOut = { leftOut.contains($0) }
    return files
  }

  /// Loads the project, every step at the level `watch` if it is given; tells its warnings. Throws when there is
  /// nothing in it.
  func load(watch: WatchLevel? = nil) throws -> (project: Project, place: RelativePath) {
    let (root, place) = try root()
    let project = try Project.load(root: root, files: Self.files(root), overrides: try overrides(watch: watch))
    for warning in project.warnings { Console.complain(Failures.colored(warning, .errors)) }
    guard !project.pipelines.isEmpty else {
      throw RequestError(
        message: "there is no pipeline in '\(root)': no file is named pipelines/NAME/pipeline.yaml",
        hints: ["`rung init` makes a small one that works"])
    }
    return (project, place)
  }

  /// The request to bring targets up to date, for which an earlier run may have the answer; nil when only the long way can
  /// tell, with a message for what is wrong.
  func quietRequest(targets: [String], watch: WatchLevel?) throws -> QuietRequest? {
    let (root, place) = try root()
    guard BundleRemains.leftOut(ofProjectAt: root).isEmpty,
      let settings = Project.settings(ProjectFiles.onDisk(root: root))
    else { return nil }
    let variables = callerVariables()
    // Each list with its length, so that no two requests have the same words.
    var words = [watch?.rawValue ?? "", profile ?? "-", profile == nil ? "" : "profile", place.text]
    for list in [set, over, targets] { words += ["\(list.count)"] + list }
    return QuietRequest(
      root: root, cache: Session.cachePath(root: root, settings: settings, variables: variables), words: words,
      variables: variables, version: Rung.version)
  }

  /// What became last of the instance that is called so, whole name; nil when only the project's files can tell what is
  /// meant.
  func past(_ name: String) throws -> PastInstance? {
    guard set.isEmpty, over.isEmpty, profile == nil else { return nil }
    let (root, _) = try root()
    guard let settings = Project.settings(ProjectFiles.onDisk(root: root)) else { return nil }
    return try PastInstance.find(name, root: root, settings: settings, variables: callerVariables())
  }

  /// Opens the project for questions or for a run, every step at the level `watch` if it is given.
  ///
  /// - Parameter filling: whether dynamic axes get the values that are known; a run sees to those that it needs itself.
  func open(
    ingesting: Bool, watch: WatchLevel? = nil, filling: Bool = true
  ) throws -> (session: Session, place: RelativePath) {
    let (project, place) = try load(watch: watch)
    Failures.root.withLock { $0 = project.root }
    let variables = callerVariables()
    try MissingIndex.rebuild(
      Session.cachePath(root: project.root, settings: project.settings, variables: variables), root: project.root)
    let session = try Session(
      project: project, callerVariables: variables, ingesting: ingesting,
      launcher: StepLauncher.find(variables: variables))
    return (filling ? Self.filled(session, ingesting: ingesting) : session, place)
  }

  // With the dynamic axes whose values are known; the others stay open.
  private static func filled(_ start: Session, ingesting: Bool) -> Session {
    var session = start
    while !session.graph.open.isEmpty {
      do {
        guard case .filled(let project) = try session.fill(session.graph.open) else { break }
        session = try Self.session(project, continuing: session, ingesting: ingesting)
      } catch {
        Console.complain("\(error)")
        break
      }
    }
    return session
  }

  /// The same project with more of its axes known.
  static func session(_ project: Project, continuing session: Session, ingesting: Bool) throws -> Session {
    let variables = callerVariables()
    return try Session(
      project: project, callerVariables: variables, ingesting: ingesting,
      launcher: StepLauncher.find(variables: variables), continuing: session)
  }
}

/// The environment that this process was given.
func callerVariables() -> [String: String] {
  var variables: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let pair = String(cString: text)
    if let equals = pair.firstIndex(of: "=") {
      variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
    }
    entry += 1
  }
  return variables
}
