import classes from "./boxes.module.css";
import { place, type Window } from "./framing";

interface BoxesProps {
  label: string;
  kind: "face" | "text" | "subject";
  boxes: { box: Window; name: string; tag: string }[];
}

/** Boxes over a picture, each with a tag that is seen and a name that is read out. */
export function Boxes({ label, kind, boxes }: BoxesProps) {
  return (
    <ul className={classes.boxes} aria-label={label}>
      {boxes.map(({ box, name, tag }) => (
        <li key={`${name} ${box.left} ${box.top}`} className={classes.box} data-kind={kind} style={place(box)}>
          <span className={classes.tag} data-inside={box.top < 0.05 || undefined}>
            <span aria-hidden>{tag}</span>
            <span className={classes.name}>{name}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
