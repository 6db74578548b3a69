package mllibpy.kernel

/** How a row's equations are solved. */
sealed trait Method extends Serializable

object Method {

  /** Exactly. */
  case object Cholesky extends Method

  /** By `steps` steps of conjugate gradients from the row's last factors (Takacs, Pilaszy, Tikk:
    * Applications of the conjugate gradient method for implicit feedback collaborative filtering,
    * RecSys 2011).
    */
  final case class ConjugateGradient(steps: Int) extends Method

  /** One sweep over blocks of `width` factors, each solved exactly with the others held (Rendle,
    * Krichene, Zhang, Koren: iALS++: speeding up matrix factorization with subspace optimization,
    * 2021).
    */
  final case class Blocks(width: Int) extends Method

  /** For each row what gets further in its time, by its number of ratings: an exact solution, or
    * `steps` steps of conjugate gradients.
    */
  final case class ByDegree(steps: Int) extends Method {

    /** Whether a row is for conjugate gradients: where they are estimated to cost less. What they
      * leave undone is little (bench/solvers.py): at rank 128 they are at an objective first.
      *
      * @param dual
      *   whether the row can be solved by as many equations as it has ratings
      */
    def prefersSteps(n: Int, rank: Int, gramian: Boolean, dual: Boolean): Boolean = {
      val exact = if (dual) RowCost.dual(n, rank) else RowCost.exact(n, rank)
      exact > RowCost.steps(n, rank, steps, gramian)
    }
  }

  // Below it exact solutions are always quick enough.
  private final val Long = 96

  def named(name: String, rank: Int, cgSteps: Int, blockSize: Int): Method =
    name match {
      case "cg"                   => ConjugateGradient(cgSteps)
      case "ials++"               => Blocks(Stride.of(Math.min(blockSize, rank)))
      case "auto" if rank >= Long => ByDegree(cgSteps)
      case _                      => Cholesky
    }
}
