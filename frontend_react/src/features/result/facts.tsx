import classes from "./facts.module.css";

/** Terms and what is known of them; what is not known is left out. */
export function Facts({ facts }: { facts: [term: string, value: string | null | undefined][] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(
        ([term, value]) =>
          value && (
            <div key={term} className={classes.fact}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
