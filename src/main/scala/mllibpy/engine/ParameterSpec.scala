package mllibpy.engine

import com.fasterxml.jackson.databind.node.ObjectNode
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import scala.jdk.CollectionConverters._

/** The parameters of an algorithm as its spec (a JSON resource) states them. */
final class ParameterSpec private (name: String, parameters: Seq[JsonNode]) {
  private val byName = parameters.map(p => p.get("name").asText -> p).toMap

  /** All parameters: the given ones, checked, and the defaults of the others. */
  def complete(chosen: ObjectNode): ObjectNode = {
    chosen.fieldNames.asScala.find(!byName.contains(_)).foreach { unknown =>
      throw new InvalidInput(
        s"$name has no parameter '$unknown'; it has ${parameters.map(_.get("name").asText).mkString(", ")}",
        "type"
      )
    }
    val out = ParameterSpec.mapper.createObjectNode()
    for (p <- parameters) {
      val key = p.get("name").asText
      val value = if (chosen.has(key)) chosen.get(key) else p.get("default")
      check(key, p, value)
      out.set[JsonNode](key, value)
    }
    out
  }

  private def check(key: String, p: JsonNode, v: JsonNode): Unit = {
    val kind = p.get("type").asText
    val optional = p.has("optional") && v.isNull
    val fits = optional || (kind match {
      case "int"            => v.isIntegralNumber
      case "float"          => v.isNumber && java.lang.Double.isFinite(v.asDouble)
      case "bool"           => v.isBoolean
      case "str" | "choice" => v.isTextual
    })
    InvalidInput.unlessType(fits, s"$key must be ${ParameterSpec.words(kind)}, not $v")
    InvalidInput.unless(
      kind != "int" || optional || v.canConvertToLong,
      s"$key must be an integer of 64 bits, not $v"
    )
    if (!optional) {
      for (low <- Option(p.get("min")))
        InvalidInput.unless(
          v.asDouble >= low.asDouble,
          s"$key must be at least ${low.asText}, not $v"
        )
      for (high <- Option(p.get("max")))
        InvalidInput.unless(
          v.asDouble <= high.asDouble,
          s"$key must be at most ${high.asText}, not $v"
        )
      for (choices <- Option(p.get("choices"))) {
        val names = choices.elements.asScala.map(_.asText).toSeq
        InvalidInput.unless(
          names.contains(v.asText),
          s"$key must be one of ${names.map(n => s"'$n'").mkString(", ")}, not '${v.asText}'"
        )
      }
    }
  }
}

object ParameterSpec {
  private val mapper = new ObjectMapper()

  /** The spec at `mllibpy/spec/NAME.json` on the class path. */
  def named(name: String): ParameterSpec = {
    val in = getClass.getResourceAsStream(s"/mllibpy/spec/$name.json")
    require(in != null, s"no parameter spec '$name' on the class path")
    try {
      val root = mapper.readTree(in)
      new ParameterSpec(root.get("name").asText, root.get("parameters").elements.asScala.toSeq)
    } finally in.close()
  }

  private def words(kind: String): String = kind match {
    case "int"   => "an integer"
    case "float" => "a finite number"
    case "bool"  => "true or false"
    case _       => "a text"
  }
}
