package mllibpy.algorithm.als

import mllibpy.engine.{Duplicates, InvalidInput}
import org.scalatest.funsuite.AnyFunSuite

class AlsParamsSuite extends AnyFunSuite {
  test("the defaults are those of the spec") {
    val p = AlsParams()
    assert(p.rank == 10 && p.maxIter == 10 && p.reg == 0.1 && p.strategy == "auto" && p.seed == 0)
    assert(
      !p.implicitFeedback && p.alpha == 1.0 && !p.nonnegative && p.numBlocks.isEmpty && p.tol.isEmpty
    )
    assert(p.duplicates == Duplicates.Refuse && p.coldStart == "nan")
  }

  test("set changes one, of any type, and leaves the rest and the old ones alone") {
    val p = AlsParams()
    val q = p
      .set("rank", 20)
      .set("reg", 0.5)
      .set("implicit", true)
      .set("num_blocks", 3)
      .set("tol", 0.1)
      .set("strategy", "blocked")
      .set("random_state", Long.MinValue)
    assert(
      q.rank == 20 && q.reg == 0.5 && q.implicitFeedback && q.numBlocks.contains(3) && q.tol
        .contains(0.1)
    )
    assert(q.strategy == "blocked" && q.seed == Long.MinValue && q.alpha == 1.0)
    assert(q.set("num_blocks", null).numBlocks.isEmpty)
    assert(p.rank == 10)
  }

  test("what is wrong is refused") {
    for (
      (name, value) <- Seq[(String, Any)](
        "rank" -> 0,
        "rnak" -> 1,
        "reg" -> -1.0,
        "strategy" -> "fast",
        "rank" -> "ten"
      )
    )
      intercept[InvalidInput](AlsParams().set(name, value))
  }

  test("the hybrid takes rows that are solved from their normal equations") {
    for ((name, value) <- Seq("solver" -> "cg", "solver" -> "ials++", "method" -> "gibbs")) {
      assert(!AlsParams().set(name, value).exact)
      val e = intercept[InvalidInput](AlsParams().set("strategy", "hybrid").set(name, value))
      assert(e.getMessage.contains(s"$name='$value'") && e.getMessage.contains("take strategy="))
    }
    val descent = AlsParams().set("nonnegative", true).set("solver", "cg")
    assert(descent.exact && descent.set("strategy", "hybrid").strategy == "hybrid")
  }
}
