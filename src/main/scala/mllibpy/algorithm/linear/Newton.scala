package mllibpy.algorithm.linear

/** Newton's method with a line search (Nocedal and Wright: Numerical optimization, 2006, chapter
  * 3), for losses that have second derivatives, without L1. How a step is found is the caller's
  * choice: [[NewtonCg]] or [[NewtonCholesky]].
  */
private[linear] object Newton {

  /** What a pass over the data says of a point. */
  trait Seen {
    def value: Double
    def gradient: Array[Double]
  }

  /** @param evaluate
    *   what is known of a point; a pass
    * @param step
    *   from a point, the direction to go in
    * @param see
    *   is told of each iteration's value
    */
  def minimise[E <: Seen](
      start: Array[Double],
      stopping: Stopping,
      evaluate: Array[Double] => E,
      step: (Array[Double], E) => Array[Double],
      see: Best => Unit
  ): (Best, Int, String) = {
    var at = start
    var seen = evaluate(at)
    var ended = Minimiser.atStart(seen.value, seen.gradient, stopping)
    var done = 0
    while (ended.isEmpty)
      advance(at, seen, step(at, seen), evaluate) match {
        case None                => ended = Some(Stopping.Exhausted)
        case Some((next, found)) =>
          val before = seen.value
          at = next
          seen = found
          done += 1
          see(best(at, seen))
          ended = stopping.reason(done, before, seen.value, Vectors.largest(seen.gradient))
      }
    (best(at, seen), done, ended.get)
  }

  private def best(at: Array[Double], seen: Seen) =
    Best(at, seen.value, Vectors.largest(seen.gradient))

  /** Halves the step until the value falls enough; None where it never does. */
  private def advance[E <: Seen](
      at: Array[Double],
      seen: E,
      direction: Array[Double],
      evaluate: Array[Double] => E
  ): Option[(Array[Double], E)] = {
    val slope = Vectors.dot(seen.gradient, direction)
    Iterator
      .iterate(1.0)(_ / 2)
      .take(Lbfgs.MostTries)
      .map { length =>
        val next = at.clone()
        Vectors.add(length, direction, next)
        (length, next, evaluate(next))
      }
      .collectFirst {
        case (length, next, found) if found.value <= seen.value + Lbfgs.Armijo * length * slope =>
          (next, found)
      }
  }
}
