import RungCore
import RungLedger

/// The executions of one side, one for each instance.
struct Results {
  let byInstance: [String: Lineage.Execution]
  let byStep: [String: [String]]

  init(_ lineage: Lineage) {
    let roots = Set(lineage.roots)
    var byInstance: [String: Lineage.Execution] = [:]
    for execution in lineage.executions {
      // History may have one instance twice: what was asked for counts, then what is newer.
      if let other = byInstance[execution.record.instance] {
        let (isRoot, otherIsRoot) = (roots.contains(execution.digest), roots.contains(other.digest))
        if isRoot == otherIsRoot ? execution.record.started < other.record.started : otherIsRoot { continue }
      }
      byInstance[execution.record.instance] = execution
    }
    self.byInstance = byInstance
    byStep = Dictionary(grouping: byInstance.keys) { byInstance[$0]?.step ?? "" }
  }
}

/// Executions of both sides put together by the names of their instances.
struct Pairing {
  private let old: Results
  private let new: Results
  private(set) var paired = 0
  private(set) var identical = 0
  private(set) var unexplained: [String] = []
  private(set) var instances: [Comparison.InstanceChange] = []
  private(set) var outputs: [Comparison.OutputChange] = []
  private(set) var pairsByStep: [String: Int] = [:]
  private var found: [Name: Extent] = [:]

  private struct Name: Hashable {
    let kind: Comparison.Setting.Kind
    let name: String
    let old: String?
    let new: String?
  }
  private struct Extent {
    var steps: Set<String> = []
    var instances = 0
  }

  init(_ old: Results, _ new: Results) {
    self.old = old
    self.new = new
  }

  mutating func compare() {
    for (instance, after) in new.byInstance.sorted(by: { $0.key < $1.key }) {
      guard let before = old.byInstance[instance] else {
        instances.append(.init(instance: instance, old: nil, new: after.record.outcome.rawValue))
        continue
      }
      paired += 1
      pairsByStep[after.step, default: 0] += 1
      if before.digest == after.digest {
        identical += 1
        continue
      }
      if before.record.outcome != after.record.outcome {
        instances.append(
          .init(instance: instance, old: before.record.outcome.rawValue, new: after.record.outcome.rawValue))
      }
      compareSettings(before, after, isPair: true)
      compareOutputs(before, after)
    }
    for (instance, before) in old.byInstance.sorted(by: { $0.key < $1.key }) where new.byInstance[instance] == nil {
      instances.append(.init(instance: instance, old: before.record.outcome.rawValue, new: nil))
    }
    instances.sort { $0.instance < $1.instance }
    // Where the axes have no value in common, one execution stands for its step.
    for (step, names) in new.byStep where (pairsByStep[step] ?? 0) == 0 {
      guard let after = names.min().flatMap({ new.byInstance[$0] }),
        let before = old.byStep[step]?.min().flatMap({ old.byInstance[$0] })
      else { continue }
      compareSettings(before, after, isPair: false)
    }
  }

  private mutating func compareSettings(_ before: Lineage.Execution, _ after: Lineage.Execution, isPair: Bool) {
    func note(_ kind: Comparison.Setting.Kind, _ old: String?, _ new: String?, name: String = "") {
      guard old != new else { return }
      let name = Name(kind: kind, name: name, old: old, new: new)
      found[name, default: Extent()].steps.insert(after.step)
      if isPair { found[name, default: Extent()].instances += 1 }
    }
    func noteMembers(_ kind: Comparison.Setting.Kind, _ old: [JSON.Member], _ new: [JSON.Member]) {
      if old == new { return }
      func value(_ members: [JSON.Member], _ name: String) -> String? {
        members.first { $0.name == name }.map { kind == .parameter ? $0.value.compact : $0.value.string ?? "" }
      }
      var seen: Set<String> = []
      for member in old + new where seen.insert(member.name).inserted {
        note(kind, value(old, member.name), value(new, member.name), name: member.name)
      }
    }
    let (a, b) = (before.record, after.record)
    noteMembers(.parameter, a.parameters, b.parameters)
    // What ran has the parameters in it, which are told by themselves.
    let isDeclared = before.declaredCommand != nil && after.declaredCommand != nil
    note(
      .command, isDeclared ? before.declaredCommand : a.command.joined(separator: " "),
      isDeclared ? after.declaredCommand : b.command.joined(separator: " "))
    noteMembers(.variable, a.variables, b.variables)
    note(.interpreter, a.environment.map(Self.interpreter), b.environment.map(Self.interpreter))
    note(.platform, a.environment?.platform, b.environment?.platform)
    if a.program?.name == b.program?.name {
      note(.program, a.program.map(Self.program), b.program.map(Self.program), name: b.program?.name ?? "")
    } else {
      if let program = a.program { note(.program, Self.program(program), nil, name: program.name) }
      if let program = b.program { note(.program, nil, Self.program(program), name: program.name) }
    }
    note(.watch, a.watch, b.watch)
    note(.network, a.network ? "yes" : "no", b.network ? "yes" : "no")
    note(.host, a.host, b.host)
  }

  private static func interpreter(_ environment: Record.Environment) -> String {
    "\(environment.version), \(environment.interpreter) \(environment.interpreterDigest?.short ?? "not hashed")"
  }

  private static func program(_ program: Record.Program) -> String { "\(program.path) \(program.digest.short)" }

  private mutating func compareOutputs(_ before: Lineage.Execution, _ after: Lineage.Execution) {
    let (a, b) = (before.record, after.record)
    var differ = false
    var seen: Set<String> = []
    for output in b.outputs + a.outputs where seen.insert(output.name).inserted {
      let was = a.outputs.first { $0.name == output.name }
      let now = b.outputs.first { $0.name == output.name }
      guard was?.digest != now?.digest else { continue }
      differ = true
      outputs.append(
        .init(
          instance: b.instance, step: after.step, output: output.name, path: output.path, old: was?.digest,
          new: now?.digest, oldSize: was?.size, newSize: now?.size, isFigure: Self.isFigure(output.path),
          isMeasured: false))
    }
    if !differ && a.outcome == b.outcome { identical += 1 }
    if differ, a.key == b.key, a.outcome == .succeeded, b.outcome == .succeeded { unexplained.append(b.instance) }
  }

  private static func isFigure(_ path: String) -> Bool {
    [".png", ".svg", ".pdf", ".jpg", ".jpeg"].contains { path.lowercased().hasSuffix($0) }
  }

  /// What differs besides files, by kind and name.
  var settings: [Comparison.Setting] {
    let order = Dictionary(
      uniqueKeysWithValues: Comparison.Setting.Kind.allCases.enumerated().map { ($1, $0) })
    return found.map { name, extent in
      Comparison.Setting(
        kind: name.kind, name: name.name, old: name.old, new: name.new, steps: extent.steps.sorted(),
        instances: extent.instances)
    }
    .sorted { a, b in
      (order[a.kind] ?? 0, a.name, a.steps.first ?? "", a.old ?? "", a.new ?? "")
        < (order[b.kind] ?? 0, b.name, b.steps.first ?? "", b.old ?? "", b.new ?? "")
    }
  }
}
