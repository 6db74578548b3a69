package mllibpy.algorithm.als

import mllibpy.engine.InvalidInput

/** What a fit may be given beside ratings and parameters.
  *
  * @param init
  *   a model whose factors the rows of ids known to it start from
  * @param validation
  *   ratings to judge each iteration by, which it does not learn from
  * @param watch
  *   called after each iteration, on the fit's thread; true ends the fit
  */
final case class Extras(
    init: Option[AlsModel] = None,
    validation: Option[Ratings] = None,
    watch: Option[IterationReport => Boolean] = None
) {

  /** Throws, before any work, where these do not go with the ratings and the parameters. */
  private[als] def check(ratings: Ratings, params: AlsParams): Unit = {
    init.foreach(Extras.checkStart(_, ratings, params))
    validation.foreach(v => Extras.checkKinds(v, ratings))
    InvalidInput.unless(
      params.patience.isEmpty || validation.nonEmpty,
      "patience is about validation ratings; pass fit(..., validation=ratings), or leave patience out"
    )
  }
}

object Extras {
  private[als] def checkStart(model: AlsModel, ratings: Ratings, params: AlsParams): Unit = {
    InvalidInput.unless(
      !params.sampled && !model.params.sampled,
      "a fit goes on from factors, and method='gibbs' has samples; take method='als' for both, or leave init out"
    )
    InvalidInput.unless(
      model.params.rank == params.rank,
      s"the model to start from has rank ${model.params.rank}, and this fit rank ${params.rank}; take the same"
    )
    InvalidInput.unless(
      model.params.biases == params.biases,
      s"the model to start from has biases=${python(model.params.biases)}, and this fit biases=${python(params.biases)}; take the same"
    )
    InvalidInput.unless(
      model.params.nonnegative || !params.nonnegative,
      "the model to start from may have factors below 0, and this fit has nonnegative=True; start from a nonnegative one"
    )
    model.checkKinds(ratings)
  }

  private def python(b: Boolean): String = if (b) "True" else "False"

  private def checkKinds(validation: Ratings, ratings: Ratings): Unit =
    for (
      (held, trained, what) <- Seq(
        (validation.users, ratings.users, "user"),
        (validation.items, ratings.items, "item")
      )
    )
      InvalidInput.unlessType(
        held.kind == trained.kind,
        s"${validation.source}: ${what}s to validate by are ${held.kind} ids, and those to learn from ${trained.kind} ids; convert one of them"
      )
}

/** What there is to tell after an iteration.
  *
  * @param seconds
  *   of its half-steps
  */
final case class IterationReport(
    iteration: Int,
    objective: Double,
    seconds: Double,
    validation: Option[Double]
)
