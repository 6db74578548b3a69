package mllibpy.engine

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import org.scalatest.funsuite.AnyFunSuite

/** Against the spec of ALS, the first there is. */
class ParameterSpecSuite extends AnyFunSuite {
  private val mapper = new ObjectMapper()
  private val spec = ParameterSpec.named("als")

  private def complete(json: String): ObjectNode =
    spec.complete(mapper.readTree(json).asInstanceOf[ObjectNode])

  private def refused(json: String, kind: String = "value"): String = {
    val e = intercept[InvalidInput](complete(json))
    assert(e.kind == kind)
    e.getMessage
  }

  test("what is not given has its default") {
    val all = complete("""{"rank": 5, "tol": 0.5}""")
    assert(all.get("rank").asInt == 5 && all.get("tol").asDouble == 0.5)
    assert(all.get("max_iter").asInt == 10 && all.get("num_blocks").isNull)
    assert(all.get("strategy").asText == "auto" && !all.get("implicit").asBoolean)
    assert(complete("{}").size == all.size)
  }

  test("an unknown name is refused with the names there are") {
    val message = refused("""{"rnak": 5}""", kind = "type")
    assert(message.startsWith("ALS has no parameter 'rnak'; it has rank, method,"))
    assert(message.contains("max_iter, reg, strategy, solver,"))
  }

  test("a wrong type is refused by name") {
    assert(refused("""{"rank": 2.5}""", kind = "type") == "rank must be an integer, not 2.5")
    assert(refused("""{"rank": "5"}""", kind = "type") == "rank must be an integer, not \"5\"")
    assert(refused("""{"rank": null}""", kind = "type") == "rank must be an integer, not null")
    assert(refused("""{"rank": true}""", kind = "type").startsWith("rank must be an integer"))
    assert(
      refused("""{"reg": "much"}""", kind = "type") == "reg must be a finite number, not \"much\""
    )
    assert(refused("""{"reg": 1e999}""", kind = "type").startsWith("reg must be a finite number"))
    assert(refused("""{"implicit": 1}""", kind = "type") == "implicit must be true or false, not 1")
    assert(refused("""{"strategy": 3}""", kind = "type") == "strategy must be a text, not 3")
    assert(refused("""{"user_col": null}""", kind = "type") == "user_col must be a text, not null")
  }

  test("a value out of range is refused with the range") {
    assert(refused("""{"rank": 0}""") == "rank must be at least 1, not 0")
    assert(refused("""{"rank": 5000}""") == "rank must be at most 4096, not 5000")
    assert(refused("""{"reg": -0.1}""") == "reg must be at least 0.0, not -0.1")
    assert(refused("""{"max_iter": -1}""") == "max_iter must be at least 1, not -1")
    assert(refused("""{"num_blocks": 0}""").startsWith("num_blocks must be at least 1"))
    assert(refused("""{"tol": -1}""").startsWith("tol must be at least 0"))
    assert(refused("""{"max_iter": 3000000000}""").startsWith("max_iter must be at most"))
  }

  test("an unknown choice is refused with the choices") {
    assert(
      refused("""{"strategy": "fast"}""") ==
        "strategy must be one of 'auto', 'broadcast', 'data-parallel', 'blocked', 'hybrid', not 'fast'"
    )
    for (key <- Seq("duplicates", "cold_start", "solver"))
      assert(refused(s"""{"$key": "?"}""").startsWith(s"$key must be one of '"))
  }

  test("limits themselves, integers for floats, null where optional and any 64-bit seed pass") {
    complete("""{"rank": 1, "reg": 0, "alpha": 3, "num_blocks": null, "tol": null}""")
    complete("""{"rank": 4096, "num_blocks": 4096, "tol": 0}""")
    for (seed <- Seq(Long.MinValue, -1L, Long.MaxValue))
      assert(complete(s"""{"random_state": $seed}""").get("random_state").asLong == seed)
    assert(
      refused("""{"random_state": 9223372036854775808}""").startsWith(
        "random_state must be an integer of 64 bits"
      )
    )
  }

  test("a spec that is not there is a bug of ours, not of the user") {
    intercept[IllegalArgumentException](ParameterSpec.named("nothing"))
  }
}
