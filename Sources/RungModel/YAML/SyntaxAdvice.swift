/// What libyaml's messages mean for somebody who writes a pipeline.
enum SyntaxAdvice {
  /// A sentence and what to do.
  static func tell(_ problem: String, context: String?) -> (message: String, notes: [String]) {
    let quote = "a text that holds ': ' or ' #', or begins with one of { [ & * ! | > % @, needs quotes or a block '|'"
    switch problem {
    case "mapping values are not allowed in this context":
      return ("a ':' cannot stand here", ["check the indentation; \(quote)"])
    case "found character that cannot start any token":
      return ("no value can begin with this character", [quote])
    case "could not find expected ':'":
      return ("expected ':' after a key", ["every line of a mapping is 'key: value'; \(quote)"])
    case "did not find expected key", "did not find expected <document start>":
      return ("expected a key here", ["check the indentation of this line and the one above; \(quote)"])
    case "did not find expected ',' or '}'":
      return ("expected ',' or '}' in this {…}", [quote])
    case "did not find expected ',' or ']'":
      return ("expected ',' or ']' in this […]", [quote])
    case "did not find expected '-' indicator":
      return ("expected '- ' and an item of the list", ["check the indentation of this line and the one above"])
    case "found unexpected end of stream":
      return ("the file ends inside a value", ["is a quote or a bracket left open?"])
    default:
      return (context.map { "\(problem) (\($0))" } ?? problem, [])
    }
  }
}
