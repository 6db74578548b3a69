package mllibpy.algorithm.als

import mllibpy.engine.{LocalSession, Monitor}
import org.scalatest.funsuite.AnyFunSuite

class PartialFitSuite extends AnyFunSuite with LocalSession {
  test("ratings of several slices and chunks come back as they were") {
    // 300,000 ratings: more than a chunk in each of some slices, and one user with most of a chunk.
    val all = for {
      u <- 0 until 3000
      i <- 0 until (if (u == 7) 60000 else 80)
    } yield (u.toLong, ((i.toLong * 37 + u) % 65537), (i % 7).toFloat)
    val params = Samples.params("rank" -> 1, "max_iter" -> 1, "duplicates" -> "last")
    val model = Als.fit(Samples.ratings(sc, all, 4), params)
    assert(model.seen.items.length == all.length)
    val again = PartialFit(model, Samples.ratings(sc, all.take(1)), params, new Monitor)
    assert(again.seen.start.sameElements(model.seen.start))
    assert(again.seen.items.sameElements(model.seen.items))
    assert(again.seen.values.codes.sameElements(model.seen.values.codes))
    assert(again.seen.values.dictionary.toSeq == (0 until 7).map(_.toFloat))
    val two = Als.fit(Samples.ratings(sc, all, 3), params.set("max_iter", 2))
    assert(again.items.rows.sameElements(two.items.rows))
    assert(again.facts.iterations == 2 && again.facts.history.map(_.iteration) == Seq(1, 1, 2, 2))
  }
}
