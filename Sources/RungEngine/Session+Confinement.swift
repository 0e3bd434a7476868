import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel

extension Session {
  /// What this host allows; found out once for each boot, user and set of limits.
  public var abilities: HostAbilities {
    if let known = findings.abilities { return known }
    let found = findAbilities()
    findings.abilities = found
    return found
  }

  private func findAbilities() -> HostAbilities {
    guard let launcher else {
      return HostAbilities(problem: "rung-step, which starts steps, does not lie beside rung or in ../libexec/rung")
    }
    let name = "abilities " + launcher.circumstances(folder: cache)
    if let text = try? ledger.probe(name), let known = HostAbilities(text: text) { return known }
    // A folder that is swept like those of steps, should this process not live to remove it.
    let folder: WorkspaceFolder
    do { folder = try WorkspaceFolder(under: "\(cache)/work") } catch { return HostAbilities(problem: "\(error)") }
    let found = withExtendedLifetime(folder) { launcher.probe(folder: "\(folder.path)/probe") }
    if found.problem == nil { findings.probes[name] = found.text }
    return found
  }

  /// How the instances of a step are shut in and watched here.
  func confinement(ofStep index: Int) -> Confinement {
    if let known = confinements[index] { return known }
    let step = graph.steps[index].step
    if case .claims = step.command { return .builtIn }
    let made = Confinement(wanted: wantedLevel(of: step), network: step.network, abilities: abilities)
    confinements[index] = made
    return made
  }

  /// The level that a step asks for, or the project for it.
  func wantedLevel(of step: Step) -> WatchLevel { step.watch ?? project.settings.watch ?? .traced }

  /// The weakest level at which an earlier result counts: the one that the step would run at now.
  func requiredLevel(ofStep index: Int) -> WatchLevel {
    max(confinement(ofStep: index).level, project.settings.watchFloor ?? .declared)
  }

  /// What lies around a step.
  func surroundings(path: String, environment: String?) -> Surroundings {
    if surroundingsBase == nil {
      surroundingsBase = Surroundings(
        project: Self.real(project.root), cache: Self.real(hiddenCache), mountsInProject: mountsInProject())
    }
    var result = surroundingsBase ?? Surroundings(project: project.root, cache: hiddenCache)
    result.environment = environment
    for entry in path.split(separator: ":") where entry.hasPrefix("/") {
      let folder = String(entry)
      if folder == environment.map({ "\($0)/bin" }) { continue }
      result.programs.append(folder)
      // What is installed together lies together: bin/ beside lib/.
      if folder.hasSuffix("/bin"), folder.split(separator: "/").count > 2 {
        result.programs.append(String(folder.dropLast(4)))
      }
    }
    return result
  }

  private static func real(_ path: String) -> String {
    guard let text = realpath(path, nil) else { return path }
    defer { free(text) }
    return String(cString: text)
  }

  // Mounted folders below the project, from its root, without those in the cache; parents first.
  private func mountsInProject() -> [String] {
    let root = Self.real(project.root) + "/"
    let cache = Self.real(hiddenCache)
    let lines = (readFile("/proc/self/mountinfo") ?? []).split(separator: UInt8(ascii: "\n"))
    var found: [String] = []
    for line in lines {
      let fields = line.split(separator: UInt8(ascii: " "))
      guard fields.count > 4 else { continue }
      let place = Self.unescaped(fields[4])
      guard place.hasPrefix(root), place != cache, !place.hasPrefix(cache + "/") else { continue }
      found.append(String(place.dropFirst(root.count)))
    }
    return Array(Set(found)).sorted()
  }

  // Blanks and the like are written as octal numbers.
  private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        result.append(value)
        rest = rest.dropFirst(3)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Which observed things count.
  var observing: Observing { checker.value.observing }
}

/// What one session has found out about the host.
final class HostFindings {
  var abilities: HostAbilities?
  // For the ledger.
  var probes: [String: String] = [:]

  func takeProbes() -> [String: String] {
    defer { probes = [:] }
    return probes
  }
}

extension Session {
  /// What is to be said, at the start of a run, of steps that are watched less than they ask for; nil for nothing.
  func watchNotice(_ needed: [Bool]) -> String? {
    var lesser: [(name: String, wanted: WatchLevel, level: WatchLevel)] = []
    for (index, step) in graph.steps.enumerated()
    where needed[step.first..<(step.first + step.count)].contains(true) {
      let wanted = wantedLevel(of: step.step)
      let level = confinement(ofStep: index).level
      if level < wanted { lesser.append((step.path, wanted, level)) }
    }
    guard let first = lesser.first else { return nil }
    let names = lesser.count > 1 ? "\(first.name) and \(lesser.count - 1) more steps" : first.name
    let meaning = first.level == .declared ? "only declared inputs are known" : "the project can be read"
    let why = abilities.problem.map { " (\($0))" } ?? ""
    return
      "this host cannot watch \(names) as '\(first.wanted.rawValue)', only as '\(first.level.rawValue)': \(meaning)\(why); "
      + "`rung doctor` tells what is missing"
  }

  /// Refuses to run steps below the project's floor.
  func enforceFloor(_ needed: [Bool]) throws(Diagnostics) {
    guard let floor = project.settings.watchFloor else { return }
    var problems: [Diagnostic] = []
    for (index, step) in graph.steps.enumerated()
    where needed[step.first..<(step.first + step.count)].contains(true) {
      let wanted = wantedLevel(of: step.step)
      let level = confinement(ofStep: index).level
      guard level < floor else { continue }
      let notes =
        wanted < floor
        ? ["watch_floor in rung.yaml asks for '\(floor.rawValue)' at least; the step asks for '\(wanted.rawValue)'"]
        : [
          "watch_floor in rung.yaml asks for '\(floor.rawValue)' at least", "`rung doctor` tells what this host lacks",
        ]
      problems.append(
        Diagnostic(
          .error, "step '\(step.path)' would be watched as '\(level.rawValue)' only", at: step.step.location,
          notes: notes))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
  }
}
