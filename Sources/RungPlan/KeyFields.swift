import RungCore
import RungModel

/// The walk over a step that gives the fields of its instances' keys.
public enum KeyFields {
  /// Counts the ways in which claims have been judged: another way, another verdict.
  static let claimRules = 1

  /// Every reference that can change what a step does: in its command, variables, inputs and output paths. Where a copy
  /// is published changes no result, so `publish` is not looked at.
  public static func references(of step: Step) -> [Reference] {
    var templates = step.command.templates
    templates += step.variables.compactMap(\.value)
    templates += step.inputs.map(\.path)
    templates += step.outputs.map(\.path)
    return templates.flatMap(\.references)
  }

  /// The text of a template, so that two templates have the same text only if they are the same.
  ///
  /// That is what the user wrote, but for literal text that looks like a reference (`{{name}}` in the file): then all
  /// literal braces are doubled. References then stand behind an odd number of braces and literal text behind an even
  /// one, and no template that is not doubled has two braces before a name.
  static func keyText(of template: Template) -> String {
    var isLookalike = false
    for (index, segment) in template.segments.enumerated() {
      guard case .literal(let text) = segment else { continue }
      let bytes = Array(text.utf8)
      for (at, byte) in bytes.enumerated() where byte == UInt8(ascii: "{") {
        guard at + 1 < bytes.count else {
          isLookalike = isLookalike || index + 1 < template.segments.count
          continue
        }
        // `${name}` is always the shell's.
        if at > 0, bytes[at - 1] == UInt8(ascii: "$") { continue }
        let inner = bytes[(at + 1)...].prefix { byte in
          switch byte {
          case 48...57, 65...90, 97...122: true
          default: "_-./:".utf8.contains(byte)
          }
        }
        if !inner.isEmpty, inner.endIndex < bytes.count, bytes[inner.endIndex] == UInt8(ascii: "}") {
          isLookalike = true
        }
      }
    }
    guard isLookalike else { return template.source }
    return template.segments.map { segment in
      switch segment {
      case .literal(let text): text.split(separator: "{", omittingEmptySubsequences: false).joined(separator: "{{")
      case .reference(let reference): "{\(reference.source)}"
      }
    }.joined()
  }

  /// The parameters among the references, sorted by name. Where only members of a structured parameter are used, each of
  /// those by its own name (`model.depth`): the others cannot change the result.
  public static func usedParameters(_ references: [Reference], _ parameters: [String: JSON]) -> [JSON.Member] {
    var used: [String: JSON] = [:]
    for case .parameter(let name, let path) in references {
      var value = parameters[name] ?? .null
      for member in path { value = value[member] ?? .null }
      used[([name] + path).joined(separator: ".")] = value
    }
    return used.keys.sorted().map { JSON.Member($0, used[$0] ?? .null) }
  }

  /// An axis, or a field of one, that can change what a step does.
  public struct UsedAxis: Hashable, Sendable {
    /// The index in the step's axes.
    public let axis: Int
    /// The field of a zipped axis or a table; nil for the whole value.
    public let field: String?
  }

  /// The axes, or fields of axes, that can change a step's results, in the order of its axes.
  ///
  /// Those that it refers to; an axis of replicates always, since its instances are repetitions and not one measurement
  /// under many names; and every axis of a step that is declared not to be deterministic.
  public static func usedAxes(_ references: [Reference], _ axes: [Axis], deterministic: Bool) -> [UsedAxis] {
    axes.indices.flatMap { index -> [UsedAxis] in
      let axis = axes[index]
      var fields: Set<String> = []
      var whole = axis.isReplicate || !deterministic
      for case .axis(let name, let field) in references where name == axis.name {
        if let field { fields.insert(field) } else { whole = true }
      }
      if whole { return [UsedAxis(axis: index, field: nil)] }
      return fields.sorted().map { UsedAxis(axis: index, field: $0) }
    }
  }

  /// The fields that all instances of a step share, in hashing order; those of its inputs and of an instance follow.
  ///
  /// - Parameters:
  ///   - callerVariables: the values of the declared variables that are taken from the caller.
  ///   - program: the program that the command starts with, where it is known.
  ///   - environment: what identifies the environment, by part.
  public static func shared(
    _ step: Step, parameters: [String: JSON], references: [Reference], callerVariables: [String: String],
    program: (name: String, digest: Digest)?, environment: [(name: String, value: String, digest: Digest?)]
  ) -> [KeyField] {
    var fields: [KeyField] = []
    switch step.command {
    case .shell(let text, let shell):
      fields.append(KeyField(.command, value: keyText(of: text)))
      fields.append(KeyField(.shell, value: shell.rawValue))
    case .arguments(let list):
      // A list, so that ["a b"] and ["a", "b"] differ.
      fields.append(KeyField(.command, value: JSON.array(list.map { .string(keyText(of: $0)) }).compact))
      fields.append(KeyField(.shell, value: "none"))
    case .claims(let claims):
      fields.append(KeyField(.command, value: "judge claims, rules \(claimRules)"))
      for claim in claims { fields.append(KeyField(.claim, claim.name, value: claim.definition.compact)) }
    }
    if let program { fields.append(KeyField(.program, program.name, value: program.name, digest: program.digest)) }
    for part in environment {
      fields.append(KeyField(.environment, part.name, value: part.value, digest: part.digest))
    }
    for parameter in usedParameters(references, parameters) {
      fields.append(KeyField(.parameter, parameter.name, value: parameter.value.compact))
    }
    for variable in step.variables {
      fields.append(
        KeyField(.variable, variable.name, value: variable.value.map(keyText) ?? callerVariables[variable.name] ?? ""))
    }
    for secret in step.secrets { fields.append(KeyField(.secret, secret, value: "passed")) }
    for output in step.outputs {
      fields.append(KeyField(.output, output.name, value: keyText(of: output.path) + (output.isDirectory ? "/" : "")))
    }
    if step.resources.cpus != 1 { fields.append(KeyField(.resource, "cpus", value: "\(step.resources.cpus)")) }
    if step.resources.gpus != 0 { fields.append(KeyField(.resource, "gpus", value: "\(step.resources.gpus)")) }
    if step.network { fields.append(KeyField(.network, value: "allowed")) }
    return fields
  }
}
