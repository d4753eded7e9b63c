/** What one presses: buttons, links that look like them, choices. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

type ButtonProps = {
  class?: string;
  icon?: IconName;
  children: ComponentChildren;
  onClick?: () => void;
  disabled?: boolean;
  type?: "submit" | "button";
};

export function Btn({ class: look = "", icon, children, ...rest }: ButtonProps) {
  return (
    <button class={`btn ${look}`} type="button" {...rest}>
      {icon && <Icon name={icon} />}<span>{children}</span>
    </button>
  );
}

export function LinkBtn({ class: look = "", icon, children, to }: { class?: string; icon?: IconName; children: ComponentChildren; to: string }) {
  return <a class={`btn ${look}`} href={to}>{icon && <Icon name={icon} />}<span>{children}</span></a>;
}

export function Chip(props: { on: boolean; children: ComponentChildren; onClick: () => void; class?: string }) {
  return (
    <button type="button" class={`ch ${props.class ?? ""}`} aria-pressed={props.on} onClick={props.onClick}>
      {props.children}
    </button>
  );
}
